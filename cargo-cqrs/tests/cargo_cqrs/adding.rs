use std::fs;

use crate::terminal::{Terminal, fits};

fn project(options: &str) -> Terminal {
    let mut terminal = Terminal::new();
    terminal.type_in(&format!("new shop {options}")).done();
    terminal.go("shop");
    terminal
}

#[test]
fn what_was_added_and_where_is_said_within_80_columns() {
    let terminal = project("");
    let said = terminal.type_in("add aggregate payment").done();
    fits(&said);
    for line in ["  changed  events/src/lib.rs", "  new      domain/src/payment.rs", "  cargo test"] {
        assert!(said.contains(&format!("\n{line}\n")), "{said}");
    }
    let said = terminal.type_in("add projection payments --of PaymentEvent --json");
    let added = &said.json()["added"];
    assert_eq!(added["name"], "Payments");
    let changed = ["views/src/lib.rs", "src/service.rs", "src/options.rs"];
    assert_eq!(added["changed"].as_array().unwrap().len(), changed.len(), "{added}");
    for path in changed {
        let text = fs::read_to_string(terminal.path().join(path)).unwrap();
        assert!(text.contains("Payments"), "{path}: {text}");
    }
}

#[test]
fn it_finds_the_project_from_any_folder_in_it() {
    let mut terminal = project("--blank");
    terminal.go("shop/src");
    terminal.type_in("add aggregate payment").done();
    assert!(terminal.path().join("payment.rs").is_file());
    terminal.go("");
    terminal.type_in("add aggregate payment").refused(1, &["no project", "cargo cqrs new shop"]);
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_changes() {
    for options in ["", "--blank"] {
        let terminal = project(options);
        terminal.type_in("add aggregate payment").done();
        let before = terminal.files();
        terminal.type_in("add aggregate payment").refused(1, &["already"]);
        terminal.type_in("add aggregate Payment").refused(1, &["already"]);
        if options == "--blank" {
            // Where views are a crate of their own, they may be called as what they show.
            terminal.type_in("add projection payment --of PaymentEvent").refused(1, &["already"]);
        }
        assert!(terminal.files() == before, "something has changed");
    }
    let terminal = project("");
    let before = terminal.files();
    terminal.type_in("add aggregate customer").refused(1, &["`CustomerId`", "events/src/lib.rs"]);
    terminal.type_in("add projection order_summary").refused(1, &["`order_summary`"]);
    assert!(terminal.files() == before, "something has changed");
}

#[test]
fn of_several_kinds_of_events_one_has_to_be_named() {
    let terminal = project("");
    terminal.type_in("add projection orders").done();
    terminal.type_in("add aggregate payment").done();
    let before = terminal.files();
    let said = terminal.type_in("add projection more");
    said.refused(2, &["`OrderEvent`, `PaymentEvent`", "Try: cargo cqrs add projection more --of OrderEvent"]);
    terminal.type_in("add projection more --of Other").refused(2, &["`Other`", "`PaymentEvent`"]);
    assert!(terminal.files() == before, "something has changed");
}

#[test]
fn what_is_not_understood_is_not_touched_and_told_how_to_do_by_hand() {
    for (file, from, to, line) in [
        ("src/service.rs", ".projection::<", ".with::<", "add projection orders"),
        ("src/options.rs", "enum View", "enum Sight", "add projection orders"),
        ("views/src/lib.rs", "pub use", "pub(crate) use", "add projection orders"),
        ("domain/src/lib.rs", "mod values;", "mod values {", "add aggregate payment"),
    ] {
        let terminal = project("");
        let path = terminal.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}");
        fs::write(&path, text.replace(from, to)).unwrap();
        let before = terminal.files();
        let said = terminal.type_in(line);
        said.refused(
            1,
            &[&format!("`{file}` is not understood"), "nothing was changed", &format!("--- {file}\n")],
        );
        assert!(terminal.files() == before, "something has changed");
    }
}

#[test]
fn a_file_that_nobody_has_formatted_is_not_formatted() {
    let terminal = project("");
    let path = terminal.path().join("events/src/lib.rs");
    let odd = fs::read_to_string(&path).unwrap().replace("mod events;", "mod   events;");
    fs::write(&path, &odd).unwrap();
    terminal.type_in("add aggregate payment").done();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("mod   events;") && text.contains("mod payment;"), "{text}");
}
