use crate::terminal::{Said, Terminal, fits};

#[test]
fn each_command_explains_itself_with_examples_within_80_columns() {
    let terminal = Terminal::new();
    for command in ["", "new", "add", "completions", "man"] {
        for wish in ["--help", "-h"] {
            let help = terminal.type_in(&format!("{command} {wish}")).done();
            fits(&help);
            assert!(help.contains("cargo cqrs"), "{help}");
        }
        let help = terminal.type_in(&format!("{command} --help")).done();
        assert!(help.contains("xample"), "{help}");
    }
    let codes = terminal.type_in("--help").done();
    assert!(codes.contains("Exit codes: 0 done; 1"), "{codes}");
}

#[test]
fn it_answers_to_its_own_name_as_to_cargos() {
    let terminal = Terminal::new();
    let mut own = terminal.command("");
    let program = own.get_program().to_owned();
    own = std::process::Command::new(program);
    own.arg("--version");
    assert_eq!(Said::of(&mut own).done(), terminal.type_in("--version").done());
}

#[test]
fn wrong_options_end_with_2_and_change_nothing() {
    let terminal = Terminal::new();
    for (line, word) in [
        ("", "Usage"),
        ("make shop", "make"),
        ("new shop --write mongo", "mongo"),
        ("new shop --read oracle", "oracle"),
        ("new shop --roles two", "two"),
        ("new shop --git https://example.com", "--rev"),
        ("new shop --registry 1.0.0 --git u --rev r", "--git"),
        ("new shop --blank --write postgres", "--blank"),
        ("new shop shop", "shop"),
        ("add table x", "table"),
        ("add aggregate x --of OrderEvent", "--of"),
        ("completions dos", "dos"),
    ] {
        terminal.type_in(line).refused(2, &[word]);
    }
    assert_eq!(terminal.files(), []);
}

#[test]
fn a_wrong_argument_is_one_line_for_programs_with_its_details_apart() {
    let terminal = Terminal::new();
    for (line, message, detail, next) in [
        (
            "new shop --read oracle --json",
            "invalid value 'oracle' for '--read <STORE>'",
            "[possible values: sqlite, mongo, postgres]",
            "cargo cqrs new --help",
        ),
        (
            "add aggregate --json",
            "the following required arguments were not provided: <NAME>",
            "Usage: cargo cqrs add",
            "cargo cqrs add --help",
        ),
        ("--json", "", "", "cargo cqrs --help"),
        (
            "new shop --registry nope --json",
            "invalid value 'nope' for '--registry <VERSION>'",
            "",
            "cargo cqrs new --help",
        ),
        ("add aggregate x --of OrderEvent --json", "--of is for projections", "", "cargo cqrs add --help"),
        ("add aggregate string --json", "`String`", "", "Choose another name."),
    ] {
        let said = terminal.type_in(line);
        assert_eq!(said.code, Some(2), "{said:?}");
        let error = &said.json()["error"];
        let text = error["message"].as_str().unwrap();
        assert!(text.contains(message) && !text.contains('\n'), "{error}");
        let details = error["details"].as_array().unwrap();
        assert!(
            detail.is_empty() || details.iter().any(|it| it.as_str().unwrap().starts_with(detail)),
            "{error}"
        );
        assert_eq!(error["next"].as_array().unwrap().last().unwrap(), next, "{error}");
    }
}

#[test]
fn examples_are_each_in_one_line() {
    let help = Terminal::new().type_in("--help").done();
    let line = "\n  cargo cqrs new shop               an order service on SQLite, to change\n";
    assert!(help.contains(line), "{help}");
    for line in help.lines() {
        assert!(line.chars().count() < 80, "a terminal of 80 columns may break this: {line}");
    }
}

#[test]
fn what_is_done_stays_done_where_nobody_listens() {
    let terminal = Terminal::new();
    for (line, code) in [
        ("new shop", 0),
        ("new ship --json", 0),
        ("man", 0),
        ("completions bash", 0),
        ("--help", 0),
        ("new serde --json", 2),
    ] {
        let mut command = terminal.command(line);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = Said::of(&mut *command.stdout(writer));
        assert_eq!((said.code, said.stderr.as_str()), (Some(code), ""), "{line}: {said:?}");
    }
    for (line, code) in [("new full", 3), ("new fuller --json", 3), ("new serde --json", 2)] {
        let mut command = terminal.command(line);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let said = Said::of(command.stdout(full));
        assert_eq!(said.code, Some(code), "{line}: {said:?}");
        assert!(said.stderr.contains("stdout") && said.stderr.contains("No space left"), "{said:?}");
        assert!(code == 2 || said.stderr.contains("it is done"), "{said:?}");
    }
    for made in ["shop", "ship", "full", "fuller"] {
        assert!(terminal.path().join(made).join("Cargo.toml").is_file(), "{made}");
    }
    assert!(terminal.type_in("--help").done().contains("3 it is done"));
}

#[test]
fn each_error_is_an_object_for_programs() {
    let terminal = Terminal::new();
    for (line, code, word) in [
        ("new shop --read oracle --json", 2, "oracle"),
        ("new --json", 2, "no name"),
        ("new serde --json", 2, "serde"),
        ("add aggregate payment --json", 1, "no project"),
        ("add aggregate 7 --json", 2, "letter"),
    ] {
        let said = terminal.type_in(line);
        assert_eq!(said.code, Some(code), "{said:?}");
        let error = &said.json()["error"];
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        assert!(error["causes"].is_array() && error["next"].is_array(), "{error}");
    }
}

#[test]
fn there_are_completions_for_each_shell_and_a_manual_page() {
    let terminal = Terminal::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = terminal.type_in(&format!("completions {shell}")).done();
        assert!(script.contains("cargo-cqrs") && script.contains("projection"), "{shell}: {script}");
    }
    let page = terminal.type_in("man").done();
    for part in [".TH cargo-cqrs 1", ".SH NEW", ".SH ADD", "\\fB\\-\\-write\\fR", "Exit codes: 0 done"] {
        assert!(page.contains(part), "{part} in {page}");
    }
}
