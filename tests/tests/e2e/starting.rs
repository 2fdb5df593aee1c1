//! Options, stores that can't be opened, and roles.

use std::{fs, net::TcpListener};

use serde_json::Value;

use crate::{
    file,
    orders::place,
    place::Place,
    service::{Exit, Service},
    stores::Stores,
};

/// Ends with this code and one line on stderr, which names this.
#[track_caller]
fn check_refusal(exit: &Exit, named: &[&str]) {
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    assert_eq!(exit.stderr.lines().count(), 1, "one line: {exit:?}");
    assert!(exit.stdout.is_empty(), "{exit:?}");
    for name in named {
        assert!(exit.stderr.contains(name), "{name:?} in {exit:?}");
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_named_in_one_line() {
    let files = Place::new(Stores::Sqlite);
    fs::write(files.folder().join("text"), "no database at all, but long enough to be looked at ".repeat(20))
        .unwrap();
    fs::create_dir(files.folder().join("folder")).unwrap();
    for (option, other) in [("--write", "--read"), ("--read", "--write")] {
        for (store, named) in [
            ("sqlite:text", "text"),
            ("sqlite:folder", "folder"),
            ("sqlite:text/file.db", "text"),
            ("sqlite:/proc/nowhere/file.db", "/proc/nowhere"),
        ] {
            let arguments = ["--listen", "127.0.0.1:0", option, store, other, "memory:"];
            check_refusal(&files.run(&arguments, &[]).exit(), &[option, named]);
        }
    }
}

#[test]
fn a_file_of_the_other_kind_or_of_a_newer_version_is_refused() {
    let files = Place::new(Stores::Sqlite);
    let service = files.start("all");
    let order = place(&service.client(), "ada");
    service.client().get(&order.path()).at_least(&order.token).expect(200);
    assert_eq!(service.terminate().status.code(), Some(0));

    let run = |write: &str, read: &str| {
        let stores = [format!("sqlite:{write}"), format!("sqlite:{read}")];
        files.run(&["--listen", "127.0.0.1:0", "--write", &stores[0], "--read", &stores[1]], &[]).exit()
    };
    check_refusal(&run("read.db", "other.db"), &["--write", "read.db"]);
    check_refusal(&run("other.db", "write.db"), &["--read", "write.db"]);
    check_refusal(&run("write.db", "write.db"), &["--write", "--read"]);

    for (option, file) in [("--write", files.write_file()), ("--read", files.read_file())] {
        let connection = file::open(&file);
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "user_version", version + 1).unwrap();
        check_refusal(&run("write.db", "read.db"), &[option, "newer"]);
        connection.pragma_update(None, "user_version", version).unwrap();
    }
    assert_eq!(files.start("all").client().get(&order.path()).expect(200).json()["order_id"], order.id);
}

#[test]
fn a_store_that_nobody_knows_is_refused_without_showing_its_password() {
    let files = Place::new(Stores::Sqlite);
    for store in [
        "",
        "x",
        "sqlite",
        "sqlite:",
        "memory",
        "memory:x",
        "mysql://ada:s3cret@host/db",
        "postgres://ada:s3cret@host/db",
        "mongodb://ada:s3cret@host/db",
    ] {
        for (option, other) in [("--write", "--read"), ("--read", "--write")] {
            let arguments = ["--listen", "127.0.0.1:0", option, store, other, "memory:"];
            let exit = files.run(&arguments, &[]).exit();
            assert!(!exit.stderr.contains("s3cret"), "{exit:?}");
            check_refusal(&exit, &[option]);
        }
    }
    let exit = files.run(&["--help"], &[("ORDER_SERVICE_WRITE", "postgres://ada:s3cret@host/db")]).exit();
    assert_eq!(exit.status.code(), Some(0));
    assert!(!exit.stdout.contains("s3cret"), "{exit:?}");
    assert!(files.files().is_empty(), "{:?}", files.files());
}

#[test]
fn wrong_options_end_with_2_and_say_what_is_wrong() {
    let files = Place::new(Stores::Sqlite);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| files.run(arguments, variables).exit();
    for (exit, named) in [
        (run(&["--role", "boss"], &[]), ["boss", "projector"]),
        (run(&["--role"], &[]), ["--role", "projector"]),
        (run(&["--listen", "nowhere"], &[]), ["nowhere", "--listen"]),
        (run(&["--listen", "127.0.0.1:99999"], &[]), ["127.0.0.1:99999", "--listen"]),
        (run(&["--store-timeout", "0"], &[]), ["--store-timeout", "1..=600"]),
        (run(&["--store-timeout", "soon"], &[]), ["soon", "--store-timeout"]),
        (run(&["--nonsense"], &[]), ["--nonsense", "Usage"]),
        (run(&["nonsense"], &[]), ["nonsense", "Usage"]),
        (run(&["--role", "all", "--role", "query"], &[]), ["--role", "multiple"]),
        (run(&[], &[("ORDER_SERVICE_ROLE", "boss")]), ["boss", "projector"]),
        (run(&[], &[("ORDER_SERVICE_LISTEN", "nowhere")]), ["nowhere", "--listen"]),
    ] {
        assert_eq!(exit.status.code(), Some(2), "{exit:?}");
        assert!(exit.stdout.is_empty(), "{exit:?}");
        for name in named {
            assert!(exit.stderr.contains(name), "{name:?} in {exit:?}");
        }
    }
    assert!(files.files().is_empty(), "{:?}", files.files());
}

#[test]
fn an_address_that_is_taken_is_named_in_one_line() {
    let files = Place::new(Stores::Memory);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let exit = files.run(&["--listen", &address, "--write", "memory:", "--read", "memory:"], &[]).exit();
    check_refusal(&exit, &[&address]);
}

fn role(service: &Service) -> Value {
    let answer = service.client().get("/health/ready").send();
    serde_json::from_slice::<Value>(&answer.body).expect("JSON, also where it is not ready yet")["role"]
        .clone()
}

#[test]
fn options_may_come_from_the_environment_and_arguments_win() {
    let files = Place::new(Stores::Sqlite);
    let variables = [
        ("ORDER_SERVICE_LISTEN", "127.0.0.1:0"),
        ("ORDER_SERVICE_WRITE", "sqlite:from/variable.db"),
        ("ORDER_SERVICE_READ", "memory:"),
        ("ORDER_SERVICE_ROLE", "command"),
    ];
    let service = files.run(&[], &variables).listening();
    assert_eq!(role(&service), "command");
    assert!(files.folder().join("from/variable.db").is_file());
    drop(service);
    let service = files.run(&["--role", "all", "--write", "sqlite:argument.db"], &variables).listening();
    assert_eq!(role(&service), "all");
    assert!(files.folder().join("argument.db").is_file());
}

#[test]
fn without_options_the_files_are_in_a_folder_that_is_made() {
    let files = Place::new(Stores::Sqlite);
    let service = files.run(&["--listen", "127.0.0.1:0"], &[]).listening();
    let order = place(&service.client(), "ada");
    service.client().get(&order.path()).at_least(&order.token).expect(200);
    assert_eq!(files.files(), ["data"]);
    assert!(files.folder().join("data/orders-write.db").is_file());
    assert!(files.folder().join("data/orders-read.db").is_file());
}

#[test]
fn a_role_opens_only_the_stores_that_it_needs() {
    for (role, expected) in [
        ("command", &["write.db"][..]),
        ("query", &["read.db"]),
        ("projector", &["read.db", "write.db"]),
        ("all", &["read.db", "write.db"]),
    ] {
        let files = Place::new(Stores::Sqlite);
        let service = files.start(role);
        service.client().get("/health/live").expect(200);
        assert_eq!(files.files(), expected, "{role}");
    }
    // What a role does not need may be wrong.
    let files = Place::new(Stores::Sqlite);
    fs::create_dir(files.folder().join("folder")).unwrap();
    let listen = ["--listen", "127.0.0.1:0"];
    for (role, write, read) in
        [("command", "sqlite:w.db", "sqlite:folder"), ("query", "sqlite:folder", "sqlite:r.db")]
    {
        let arguments = [&listen[..], &["--role", role, "--write", write, "--read", read]].concat();
        files.run(&arguments, &[]).listening();
    }
}

#[test]
fn what_was_in_memory_is_gone_with_the_process() {
    let files = Place::new(Stores::Memory);
    let service = files.start("all");
    let order = place(&service.client(), "ada");
    service.client().get(&order.path()).at_least(&order.token).expect(200);
    service.kill();
    let service = files.start("all");
    service.client().get(&order.path()).problem(404, "order_not_found");
    // A new log: its tokens are not those of the old one.
    let new = place(&service.client(), "ada");
    service.client().get(&new.path()).at_least(&new.token).expect(200);
    service.client().get(&new.path()).at_least(&order.token).problem(409, "foreign_token");
    assert!(files.files().is_empty(), "{:?}", files.files());
}
