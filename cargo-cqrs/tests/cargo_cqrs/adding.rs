use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use crate::terminal::{Said, Terminal, fits};

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

#[test]
fn a_name_that_would_hide_another_is_refused_and_nothing_changes() {
    for options in ["", "--blank"] {
        let terminal = project(options);
        let before = terminal.files();
        for name in [
            "string",
            "result",
            "option",
            "vec",
            "box-",
            "event",
            "command",
            "aggregate",
            "projection",
            "app",
            "error",
            "id",
            "Clone",
            "some",
            "date_time",
            "u32",
            "std",
            "core",
            "serde",
            "cqrs_core",
            "spec",
        ] {
            for what in ["aggregate", "projection"] {
                let said = terminal.type_in(&format!("add {what} {name}"));
                said.refused(2, &[&format!("`{name}` can't be the name of a module"), "Choose another name"]);
                fits(&said.stderr);
            }
        }
        assert!(terminal.files() == before, "something has changed");
    }
}

#[test]
fn a_type_that_the_project_has_is_not_made_again() {
    let terminal = project("");
    terminal.type_in("add aggregate payment").done();
    let before = terminal.files();
    // A view may be called as what it shows, but not as one of the events that it is made of.
    for (line, name) in [
        ("add projection payment_opened --of PaymentEvent", "`PaymentOpened`"),
        ("add projection order_placed --of PaymentEvent", "`OrderPlaced`"),
        ("add aggregate payment_id", "`PaymentId`"),
    ] {
        terminal.type_in(line).refused(1, &[name, "already"]);
    }
    assert!(terminal.files() == before, "something has changed");
    terminal.type_in("add projection payment --of PaymentEvent").done();

    let terminal = project("--blank");
    terminal.type_in("add aggregate payment").done();
    let before = terminal.files();
    for (line, name) in [
        ("add aggregate account", "`AccountEvent`"),
        ("add aggregate balance", "`Balance`"),
        ("add projection deposited --of PaymentEvent", "`Deposited`"),
        ("add projection payment_opened --of PaymentEvent", "`PaymentOpened`"),
    ] {
        terminal.type_in(line).refused(1, &[name, "already"]);
    }
    assert!(terminal.files() == before, "something has changed");
}

#[test]
fn a_module_in_a_folder_is_there_as_one_in_a_file_is() {
    for (options, folder) in
        [("", "events/src"), ("", "domain/src"), ("", "domain/tests"), ("--blank", "src")]
    {
        let terminal = project(options);
        let module = terminal.path().join(folder).join("payment");
        fs::create_dir(&module).unwrap();
        let file = if folder.ends_with("tests") { "main.rs" } else { "mod.rs" };
        fs::write(module.join(file), "").unwrap();
        let before = terminal.files();
        terminal
            .type_in("add aggregate payment")
            .refused(1, &["already", &format!("{folder}/payment/{file}")]);
        assert!(terminal.files() == before, "something has changed");
    }
}

#[test]
fn what_can_not_be_read_is_told_how_to_do_by_hand() {
    for (file, line) in [
        ("events/src/lib.rs", "add aggregate payment"),
        ("views/src/lib.rs", "add projection orders"),
        ("src/service.rs", "add projection orders"),
    ] {
        for text in [Some(&b"// \xff\n"[..]), None] {
            let terminal = project("");
            let path = terminal.path().join(file);
            match text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let said = terminal.type_in(line);
            said.refused(1, &[&format!("`{file}`"), "can't be read", &format!("--- {file}\n"), "By hand"]);
            if let Some(text) = text {
                assert_eq!(fs::read(&path).unwrap(), text);
            }
            assert!(!terminal.path().join("events/src/payment.rs").exists());
        }
    }
}

#[test]
fn a_file_keeps_the_ends_of_its_lines() {
    for formatted in [true, false] {
        let terminal = project("");
        let files = [
            "events/src/lib.rs",
            "domain/src/lib.rs",
            "views/src/lib.rs",
            "src/service.rs",
            "src/options.rs",
        ];
        for file in files {
            let path = terminal.path().join(file);
            let mut text = fs::read_to_string(&path).unwrap();
            if !formatted {
                text = text.replacen("pub use", "pub   use", 1).replacen("use std", "use   std", 1);
            }
            fs::write(&path, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
        }
        terminal.type_in("add aggregate payment").done();
        terminal.type_in("add projection payments --of PaymentEvent").done();
        for file in files {
            let text = fs::read_to_string(terminal.path().join(file)).unwrap();
            assert!(text.contains("ayment"), "{file}: {text:?}");
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{file}: {text:?}");
            assert!(text.starts_with('\u{feff}') && !text[3..].contains('\u{feff}'), "{file}: {text:?}");
            assert!(
                formatted || text.contains("use   std") || text.contains("pub   use"),
                "{file}: {text:?}"
            );
        }
    }
}

#[test]
fn a_name_has_its_limit() {
    let terminal = project("");
    let long = "p".repeat(65);
    for what in ["aggregate", "projection"] {
        let said = terminal.type_in(&format!("add {what} {long}"));
        said.refused(2, &["65 letters", "64"]);
        assert!(!said.stderr.contains("os error"), "{said:?}");
    }
    terminal.type_in(&format!("add aggregate {}", &long[1..])).done();
}

#[test]
fn modules_stay_sorted_also_where_nobody_formats() {
    let terminal = project("");
    let nowhere = terminal.path().join("nowhere");
    for line in [
        "add aggregate zebra",
        "add aggregate apple",
        "add aggregate gift",
        "add projection melon --of GiftEvent",
    ] {
        Said::of(terminal.command(line).env("RUSTFMT", &nowhere)).done();
    }
    for (file, first, second, third) in [
        ("events/src/lib.rs", "apple", "gift", "zebra"),
        ("domain/src/lib.rs", "apple", "gift", "zebra"),
        ("views/src/lib.rs", "customer_summary", "melon", "order_summary"),
    ] {
        let text = fs::read_to_string(terminal.path().join(file)).unwrap();
        for before in ["mod ", "pub use "] {
            let at = |name: &str| {
                text.find(&format!("\n{before}{name}")).unwrap_or_else(|| panic!("{name} in {text}"))
            };
            assert!(at(first) < at(second) && at(second) < at(third), "{text}");
        }
    }
    let terminal = project("--blank");
    for name in ["zebra", "apple"] {
        Said::of(terminal.command(&format!("add aggregate {name}")).env("RUSTFMT", &nowhere)).done();
    }
    let text = fs::read_to_string(terminal.path().join("src/main.rs")).unwrap();
    assert!(text.find("mod apple;").unwrap() < text.find("mod zebra;").unwrap(), "{text}");
}

#[test]
fn it_says_what_to_do_next() {
    for (options, line, words) in [
        (
            "",
            "add aggregate payment",
            &[
                "events/src/payment.rs",
                "execute OpenPayment",
                "src/http/commands.rs",
                "cargo cqrs add projection NAME --of PaymentEvent",
            ][..],
        ),
        ("", "add projection orders", &["views/src/orders.rs", "src/http/queries.rs"]),
        (
            "--blank",
            "add aggregate payment",
            &["src/payment.rs", "app.execute(OpenPayment", "`allow(dead_code)`", "--of PaymentEvent"],
        ),
        ("--blank", "add projection orders", &["src/orders.rs", "app.view::<Orders>(&id)"]),
    ] {
        let said = project(options).type_in(line).done();
        fits(&said);
        let (_, next) = said.split_once("\nNext:\n").expect(&said);
        for word in words.iter().chain(&["cargo test"]) {
            assert!(next.contains(word), "{word} in {next}");
        }
    }
}

#[test]
fn where_the_events_can_not_be_read_a_projection_is_wired_by_hand_all_the_same() {
    for (options, file, words) in [
        (
            "",
            "events/src/events.rs",
            &["--- views/src/lib.rs\nmod orders;\n", "--- src/service.rs\n.projection::<"][..],
        ),
        ("--blank", "src/main.rs", &["--- src/main.rs\nmod orders;\n.projection::<orders::Orders>"]),
    ] {
        let terminal = project(options);
        fs::write(terminal.path().join(file), b"\xff").unwrap();
        let said = terminal.type_in("add projection orders --of OrderEvent");
        said.refused(1, &[&format!("`{file}`"), "can't be read", "By hand"]);
        said.refused(1, words);
    }
}

#[test]
fn a_limit_of_file_sizes_changes_nothing() {
    let terminal = project("--blank");
    let main = terminal.path().join("src/main.rs");
    let text = fs::read_to_string(&main).unwrap() + &"// more\n".repeat(8_192);
    fs::write(&main, text).unwrap();
    let before = terminal.files();
    for line in ["add aggregate payment", "add projection payments"] {
        let own = terminal.command(line);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -f 64; exec \"$@\"", "sh"]).arg(own.get_program()).args(own.get_args());
        let said = Said::of(limited.current_dir(terminal.path()));
        said.refused(1, &["writing `src/main.rs`", "too large"]);
        assert!(terminal.files() == before, "something has changed");
    }
}

#[test]
fn a_file_keeps_its_permissions_and_its_place_behind_a_link() {
    let terminal = project("--blank");
    let (main, real) = (terminal.path().join("src/main.rs"), terminal.path().join("real.rs"));
    fs::rename(&main, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../real.rs", &main).unwrap();
    terminal.type_in("add aggregate payment").done();
    assert_eq!(fs::read_link(&main).unwrap().to_str(), Some("../real.rs"));
    assert!(fs::read_to_string(&real).unwrap().contains("mod payment;"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    let new = fs::metadata(terminal.path().join("src/payment.rs")).unwrap().permissions().mode();
    let own = terminal.path().join("own");
    fs::write(&own, "").unwrap();
    assert_eq!(new, fs::metadata(own).unwrap().permissions().mode());
    let beside: Vec<_> = terminal.files().into_iter().map(|(path, _)| path).collect();
    assert!(!beside.iter().any(|path| path.to_str().unwrap().contains("rs-")), "{beside:?}");
}

#[test]
fn what_can_not_be_registered_is_told_how_to_do_by_hand() {
    for (options, file, from, to) in [
        ("", "src/service.rs", "CustomerSummary>(Arc::clone(views))", "CustomerSummary>(views)"),
        ("--blank", "src/main.rs", "projection::<Balance>(views.clone())", "projection::<Balance>(views)"),
        ("--blank", "src/main.rs", "projection::<Balance>(", "projection::<crate::audit::Audit>("),
    ] {
        let terminal = project(options);
        let path = terminal.path().join(file);
        let mut text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        if options.is_empty() {
            text = text.replace("OrderSummary>(Arc::clone(views))", "OrderSummary>(views)");
        }
        fs::write(&path, text.replace(from, to)).unwrap();
        let before = terminal.files();
        let said = terminal.type_in("add projection orders");
        said.refused(1, &[&format!("`{file}` is not understood"), ".projection::<", "By hand"]);
        assert!(terminal.files() == before, "something has changed");
    }
}

/// A project whose events are offered otherwise.
fn offered(options: &str, file: &str, changes: &[(&str, &str)]) -> Terminal {
    let terminal = project(options);
    let path = terminal.path().join(file);
    let mut text = fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    fs::write(path, text).unwrap();
    terminal
}

const OFFER: &str = "pub use events::{OrderCancelled, OrderConfirmed, OrderEvent, OrderPlaced};\n";

#[test]
fn events_are_named_by_the_path_that_they_have() {
    let lib = "events/src/lib.rs";
    let terminal = offered("", lib, &[("mod events;", "pub mod events;"), (OFFER, "")]);
    terminal.type_in("add projection orders --of OrderEvent").done();
    let view = fs::read_to_string(terminal.path().join("views/src/orders.rs")).unwrap();
    assert!(
        view.contains(
            "use shop_events::events::{OrderCancelled, OrderConfirmed, OrderEvent, OrderPlaced};\n"
        ),
        "{view}"
    );
    let test = fs::read_to_string(terminal.path().join("views/tests/orders.rs")).unwrap();
    assert!(test.contains("use shop_events::events::{") && test.contains("use shop_events::{"), "{test}");

    let terminal = offered("", lib, &[(OFFER, "")]);
    let before = terminal.files();
    let said = terminal.type_in("add projection orders --of OrderEvent");
    said.refused(1, &["`OrderEvent` can't be named", "By hand", "--- src/service.rs"]);
    assert!(terminal.files() == before, "something has changed");

    let terminal = offered(
        "",
        lib,
        &[("mod events;", "mod inner {\n    pub mod events;\n}"), ("use events::", "use inner::events::")],
    );
    fs::create_dir(terminal.path().join("events/src/inner")).unwrap();
    fs::rename(
        terminal.path().join("events/src/events.rs"),
        terminal.path().join("events/src/inner/events.rs"),
    )
    .unwrap();
    terminal.type_in("add projection orders --of OrderEvent").done();
    let view = fs::read_to_string(terminal.path().join("views/src/orders.rs")).unwrap();
    assert!(view.contains("use shop_events::{OrderCancelled,"), "{view}");

    let terminal = offered("", lib, &[(OFFER, "pub use events::{Made, OrderEvent};\n")]);
    terminal.type_in("add projection orders --of Made").refused(1, &["it offers `Made`", "By hand"]);
    terminal.type_in("add projection orders --of Nothing").refused(2, &["no events `Nothing` are found"]);
}

#[test]
fn a_test_writes_no_value_that_it_may_not() {
    let terminal = offered(
        "",
        "events/src/events.rs",
        &[("pub struct OrderPlaced {\n", "pub struct OrderPlaced {\n    odd: u8,\n")],
    );
    terminal.type_in("add projection orders").done();
    let test = fs::read_to_string(terminal.path().join("views/tests/orders.rs")).unwrap();
    assert!(!test.contains("OrderPlaced {"), "{test}");
    let boxed = ("Deposited(Deposited)", "Deposited(Box<Deposited>)");
    let terminal = offered("--blank", "src/main.rs", &[boxed]);
    terminal.type_in("add projection accounts").done();
    let text = fs::read_to_string(terminal.path().join("src/accounts.rs")).unwrap();
    for words in ["use crate::{AccountEvent, Deposited};\n", "_: &Box<Deposited>", "Box::new(Deposited {"] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[test]
fn what_stores_know_something_by_is_not_given_twice() {
    for (options, file, from, to, line, word) in [
        (
            "",
            "events/src/events.rs",
            "stream = \"order\"",
            "stream = \"account\"",
            "add aggregate account",
            "stream",
        ),
        (
            "",
            "views/src/order_summary.rs",
            "name = \"order_summary\"",
            "name = \"balance\"",
            "add projection balance",
            "projection",
        ),
        (
            "--blank",
            "src/main.rs",
            "stream = \"account\"",
            "stream = \"payment\"",
            "add aggregate payment",
            "stream",
        ),
        (
            "--blank",
            "src/main.rs",
            "name = \"balance\"",
            "name = \"orders\"",
            "add projection orders",
            "projection",
        ),
    ] {
        let terminal = offered(options, file, &[(from, to)]);
        let before = terminal.files();
        let name = line.split(' ').next_back().unwrap();
        let said = terminal.type_in(line);
        said.refused(1, &[&format!("{word} called `{name}`"), &format!("in `{file}`"), "another name"]);
        assert!(terminal.files() == before, "something has changed");
    }
    // What tests have for themselves is in nobody's way.
    let tests = "#[cfg(test)]\nmod tests {\n    #[derive(Event)]\n    #[event(stream = \"payment\", id = A)]\n    enum A {}\n}\n";
    let terminal = project("");
    let path = terminal.path().join("events/src/values.rs");
    fs::write(&path, fs::read_to_string(&path).unwrap() + tests).unwrap();
    terminal.type_in("add aggregate payment").done();
}
