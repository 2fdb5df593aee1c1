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
