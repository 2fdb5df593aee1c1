use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::terminal::{Said, Terminal, fits};

#[test]
fn a_project_says_what_to_do_next_within_80_columns() {
    let terminal = Terminal::new();
    let said = terminal.type_in("new shop").done();
    fits(&said);
    for line in ["cd shop", "cargo run", "cargo test"] {
        assert!(said.contains(&format!("\n  {line}\n")), "{said}");
    }
    assert!(terminal.path().join("shop/src/main.rs").is_file());
    let said = terminal.type_in("new big --write postgres --read mongo").done();
    fits(&said);
    assert!(said.contains("\n  docker compose up --detach --wait postgres mongo\n"), "{said}");
    let said = terminal.type_in("new team --roles three").done();
    fits(&said);
    let readme = std::fs::read_to_string(terminal.path().join("team/README.md")).expect("it was made");
    for role in ["command", "projector", "query"] {
        let step =
            said.lines().find(|line| line.contains(&format!("--role {role} "))).expect("a step for each");
        let command = step.trim().trim_end_matches('&').trim();
        assert!(readme.contains(command), "{command} is not what the README says: {readme}");
    }
}

#[test]
fn for_programs_it_tells_what_was_made() {
    let terminal = Terminal::new();
    let said = terminal.type_in("new a/b/my-shop --read postgres --roles three --json");
    let made = &said.json()["made"];
    assert_eq!(
        (made["name"].as_str(), made["write"].as_str(), made["read"].as_str(), made["roles"].as_str()),
        (Some("my-shop"), Some("sqlite"), Some("postgres"), Some("three"))
    );
    let folder = terminal.path().join("a/b/my-shop");
    assert_eq!(made["path"], folder.to_str().unwrap());
    for file in made["files"].as_array().unwrap() {
        assert!(folder.join(file.as_str().unwrap()).is_file(), "{file}");
    }
    assert!(made["framework"]["path"].is_string(), "{made}");
}

#[test]
fn the_framework_comes_from_where_it_is_said_to() {
    let terminal = Terminal::new();
    terminal.type_in("new one --git https://example.com/cqrs --rev abc").done();
    terminal.type_in("new two --registry 0.1.0 --blank").done();
    let manifest = |name: &str| fs::read_to_string(terminal.path().join(name).join("Cargo.toml")).unwrap();
    let git = r#"cqrs-core = { git = "https://example.com/cqrs", rev = "abc" }"#;
    assert!(manifest("one").contains(git), "{}", manifest("one"));
    assert!(manifest("two").contains(r#"cqrs-core = { version = "0.1.0" }"#), "{}", manifest("two"));
    for name in ["one", "two"] {
        assert!(!manifest(name).contains(env!("CARGO_MANIFEST_DIR")), "{}", manifest(name));
    }
}

#[test]
fn within_another_workspace_a_project_is_one_of_its_own() {
    let terminal = Terminal::new();
    fs::write(terminal.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    for (name, options) in [("shop", ""), ("ledger", "--blank")] {
        terminal.type_in(&format!("new {name} {options}")).done();
        let mut cargo = std::process::Command::new("cargo");
        cargo.args(["locate-project", "--workspace", "--message-format", "plain"]);
        let said = Said::of(cargo.current_dir(terminal.path().join(name)));
        assert!(said.stdout.trim_end().ends_with(&format!("{name}/Cargo.toml")), "{said:?}");
    }
}

#[test]
fn names_that_no_project_can_have_are_refused_with_one_that_can() {
    let terminal = Terminal::new();
    for (name, words) in [
        ("match", ["keyword", "cargo cqrs new match-service"]),
        ("test", ["comes with Rust", "cargo cqrs new test-service"]),
        ("core", ["comes with Rust", "cargo cqrs new core-service"]),
        ("serde", ["the framework is built with", "cargo cqrs new serde-service"]),
        ("cqrs-core", ["the framework is built with", "cargo cqrs new cqrs-core-service"]),
        ("7up", ["begins with '7'", "cargo cqrs new up7"]),
        ("Shop", ["capital", "cargo cqrs new shop"]),
    ] {
        let said = terminal.type_in(&format!("new {name}"));
        said.refused(2, &words);
        fits(&said.stderr);
    }
    terminal.type_in("new ..").refused(2, &["no folder"]);
    assert_eq!(terminal.files(), []);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let terminal = Terminal::new();
    let folder = terminal.path().join("shop");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "precious").unwrap();
    fs::write(terminal.path().join("ship"), "precious").unwrap();
    let before = terminal.files();
    terminal.type_in("new shop").refused(1, &["not empty", "another name"]);
    terminal.type_in("new ship").refused(1, &["no folder"]);
    assert_eq!(terminal.files(), before);
    fs::remove_file(folder.join("mine")).unwrap();
    terminal.type_in("new shop").done();
}

#[test]
fn in_a_pipe_nothing_is_asked() {
    let terminal = Terminal::new();
    terminal.type_in("new").refused(2, &["no terminal", "Try: cargo cqrs new shop"]);
    let mut silent = terminal.command("new");
    silent.stdin(Stdio::piped());
    Said::of(&mut silent).refused(2, &["no terminal"]);
    assert_eq!(terminal.files(), []);
}

#[test]
fn without_rustfmt_a_project_is_made_and_says_so() {
    let terminal = Terminal::new();
    let mut command = terminal.command("new shop");
    let said = Said::of(command.env("RUSTFMT", terminal.path().join("nowhere"))).done();
    assert!(said.contains("note: it is not formatted: rustfmt is not installed\n"), "{said}");
    assert!(terminal.path().join("shop/Cargo.toml").is_file());
}

#[test]
fn what_can_not_be_written_leaves_nothing() {
    let terminal = Terminal::new();
    let folder = terminal.path().join("locked");
    fs::create_dir(&folder).unwrap();
    // Root may write everywhere, but no one into a file.
    fs::write(folder.join("file"), "x").unwrap();
    let before = terminal.files();
    terminal.type_in("new locked/file/shop").refused(1, &["locked/file` is there already", "no folder"]);
    assert_eq!(terminal.files(), before);
}

/// Starts it in the middle of its work: rustfmt takes a minute.
fn in_the_middle(terminal: &Terminal, signal: Signal) -> std::process::Output {
    let slow = terminal.path().join("../slow");
    let started = terminal.path().join("../started");
    fs::write(&slow, format!("#!/bin/sh\ntouch {}\nexec sleep 60\n", started.display())).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = terminal.command("new a/shop");
    command.env("RUSTFMT", &slow).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let late = Instant::now() + Duration::from_mins(1);
    while !started.exists() {
        assert!(Instant::now() < late, "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_ne!(terminal.files(), [], "it is in the middle");
    kill_process_group(Pid::from_child(&child), signal).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_in_the_middle_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut terminal = Terminal::new();
        fs::create_dir(terminal.path().join("here")).unwrap();
        terminal.go("here");
        let output = in_the_middle(&terminal, signal);
        assert_eq!(output.status.code(), Some(130), "{signal:?}: {output:?}");
        assert_eq!(terminal.files(), [], "{signal:?}");
    }
}

#[test]
fn a_limit_of_file_sizes_leaves_nothing() {
    let terminal = Terminal::new();
    let own = terminal.command("new shop");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$@\"", "sh"]).arg(own.get_program()).args(own.get_args());
    let said = Said::of(limited.current_dir(terminal.path()));
    said.refused(1, &["writing", "too large"]);
    assert_eq!(terminal.files(), []);
}

#[test]
fn where_the_framework_comes_from_has_to_be_a_place() {
    let terminal = Terminal::new();
    for (option, value, word) in [
        ("--registry", "nonsense", "version"),
        ("--registry", "", "version"),
        ("--registry", "0.1.0 beta", "version"),
        ("--git", "", "address"),
        ("--git", "nonsense", "address"),
        ("--git", "https://", "address"),
        ("--git", "https://a b/c", "address"),
        ("--git", "../here", "file://"),
        ("--git", "/here", "file:///here"),
        ("--rev", "", "empty"),
        ("--rev", "a b", "space"),
    ] {
        let mut command = terminal.command("new shop");
        command.args([option, value]);
        match option {
            "--git" => drop(command.args(["--rev", "1f3c2a9"])),
            "--rev" => drop(command.args(["--git", "https://example.com/cqrs"])),
            _ => {}
        }
        let said = Said::of(&mut command);
        said.refused(2, &[option, "invalid value", word, "--help"]);
        if !value.starts_with("..") {
            fits(&said.stderr);
        }
    }
    assert_eq!(terminal.files(), []);
    for (name, url, written) in [
        ("a", "https://example.com/cqrs.git", "https://example.com/cqrs.git"),
        ("b", "ssh://git@example.com:22/cqrs", "ssh://git@example.com:22/cqrs"),
        ("c", "file:///srv/cqrs", "file:///srv/cqrs"),
        // Cargo takes URLs alone.
        ("d", "git@example.com:you/cqrs.git", "ssh://git@example.com/you/cqrs.git"),
    ] {
        terminal.type_in(&format!("new {name}-shop --blank --git {url} --rev v1.2-rc/3")).done();
        let manifest = fs::read_to_string(terminal.path().join(format!("{name}-shop/Cargo.toml"))).unwrap();
        assert!(manifest.contains(&format!(r#"git = "{written}", rev = "v1.2-rc/3""#)), "{manifest}");
    }
    for (name, version) in [("e", "0.1"), ("f", "^0.1.0"), ("g", "=0.1.0-rc.1")] {
        terminal.type_in(&format!("new {name}-shop --blank --registry {version}")).done();
    }
}

#[test]
fn a_link_or_a_file_in_the_way_is_called_what_it_is() {
    let terminal = Terminal::new();
    let here = terminal.path();
    fs::create_dir(here.join("empty")).unwrap();
    fs::write(here.join("file"), "x").unwrap();
    std::os::unix::fs::symlink("empty", here.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", here.join("dangling")).unwrap();
    let file = here.join("file").display().to_string();
    for (line, words) in [
        ("new link", ["link` is a link", "another name"]),
        ("new link/", ["link` is a link", "another name"]),
        ("new dangling", ["dangling` is a link", "another name"]),
        ("new dangling/shop", ["dangling` is there already, and no folder", "another name"]),
        ("new file/shop", [&format!("`{file}` is there already"), "no folder"]),
        ("new file/a/shop", [&format!("`{file}` is there already"), "no folder"]),
    ] {
        let said = terminal.type_in(line);
        said.refused(1, &words);
        assert!(!said.stderr.contains("os error"), "{said:?}");
    }
    terminal.type_in("new link/shop").done();
    assert!(here.join("empty/shop/Cargo.toml").is_file());
}

#[test]
fn names_that_cargo_refuses_or_warns_of_are_refused() {
    let terminal = Terminal::new();
    for name in [
        "test",
        "core",
        "std",
        "alloc",
        "proc_macro",
        "proc-macro",
        "build",
        "deps",
        "examples",
        "incremental",
        "debug",
        "release",
        "abstract",
        "yield",
        "con",
        "nul",
        "com9",
        "lpt4",
    ] {
        terminal.type_in(&format!("new {name}")).refused(2, &["can't be the name", "Try: cargo cqrs new"]);
    }
    assert_eq!(terminal.files(), []);
}
#[test]
fn a_checkout_is_said_to_be_of_this_machine_and_how_to_go_elsewhere() {
    let terminal = Terminal::new();
    for options in ["", "--blank", "--roles three --write postgres"] {
        let name = format!("shop{}", options.len());
        let said = terminal.type_in(&format!("new {name} {options}")).done();
        fits(&said);
        let whole = said.replace('\n', " ");
        for words in ["this machine", "--git URL --rev REV", "--registry VERSION", "README.md"] {
            assert!(whole.contains(words), "{words} in {said}");
        }
        let readme = fs::read_to_string(terminal.path().join(&name).join("README.md")).unwrap();
        for words in ["## The framework", "this machine", "`git` and `rev`", "`version`"] {
            assert!(readme.replace('\n', " ").contains(words), "{words} in {readme}");
        }
        assert_eq!(readme.contains("additional_contexts"), options.contains("three"), "{readme}");
        assert_eq!(readme.contains("COPY --from=cqrs"), options.contains("three"), "{readme}");
        let links = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let guides: Vec<_> = links.filter(|link| link.starts_with('/')).collect();
        assert!(guides.len() >= 3, "{readme}");
        for guide in guides {
            assert!(std::path::Path::new(guide).is_file(), "{guide}");
        }
        if options == "--blank" {
            assert!(readme.contains("data/log") && readme.contains("data/view"), "{readme}");
        }
    }
    for (name, options, link) in [
        ("one", "--git https://example.com/cqrs --rev abc", "https://example.com/cqrs"),
        ("two", "--registry 0.1.0", "https://docs.rs/cqrs-core"),
        ("three", "--blank --registry 0.1.0", "https://docs.rs/cqrs-core"),
    ] {
        let said = terminal.type_in(&format!("new {name} {options}")).done();
        assert!(!said.contains("this machine"), "{said}");
        for file in ["README.md", ".github/workflows/ci.yml"] {
            let Ok(text) = fs::read_to_string(terminal.path().join(name).join(file)) else { continue };
            assert!(!text.contains("this machine") && !text.contains("folder beside"), "{file}: {text}");
            assert!(file != "README.md" || text.contains(&format!("]({link}")), "{text}");
        }
    }
}

#[test]
fn what_to_type_can_be_typed() {
    let terminal = Terminal::new();
    for (folder, shown) in
        [("c d", "'c d/shop'"), ("it's", "'it'\\''s/shop'"), ("plain-1.0", "plain-1.0/shop")]
    {
        let mut command = terminal.command("new");
        command.arg(format!("{folder}/shop")).args(["--blank", "--json"]);
        assert_eq!(Said::of(&mut command).json()["made"]["next"][0], format!("cd {shown}"));
    }
}

#[test]
fn where_no_repository_is_one_is_proposed() {
    let mut terminal = Terminal::new();
    assert!(terminal.type_in("new shop").done().contains("\n  git init\n"));
    // In a worktree it is a file.
    fs::write(terminal.path().join("shop/.git"), "gitdir: elsewhere\n").unwrap();
    terminal.go("shop");
    let said = terminal.type_in("new more/ship").done();
    assert!(!said.contains("git init") && said.contains("\n  cargo run\n"), "{said}");
}

#[test]
fn a_lock_file_that_lacks_the_framework_is_said_to_be_completed_later() {
    let terminal = Terminal::new();
    for (name, options) in [
        ("one", "--git https://example.com/cqrs --rev abc --roles three"),
        ("two", "--registry 0.1.0 --blank"),
    ] {
        let said = terminal.type_in(&format!("new {name} {options}")).done();
        fits(&said);
        assert!(said.replace('\n', " ").contains("the first `cargo build` completes Cargo.lock"), "{said}");
        let readme = fs::read_to_string(terminal.path().join(name).join("README.md")).unwrap();
        assert!(readme.contains("`cargo build` completes [Cargo.lock]"), "{readme}");
        assert_eq!(readme.contains("[Dockerfile]"), name == "one", "{readme}");
    }
}
