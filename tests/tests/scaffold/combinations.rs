//! Each combination of stores.

use std::{process::Command, time::Duration};

use crate::{
    bad_input, binary, commands, idempotency, operations, orders,
    place::Names,
    processes,
    project::Project,
    queries,
    service::Service,
    shell,
    stores::{Kind, Opened, Stores},
};

/// Much else may run on the machine.
const BUILD: Duration = Duration::from_mins(20);

/// Makes a test for each combination; a segment of its path names the servers that it needs.
macro_rules! combinations {
    ($($module:ident $inner:ident: $write:ident, $read:ident, $roles:literal;)+) => {
        $(mod $module {
            mod $inner {
                #[test]
                fn it_passes_its_tests_and_answers_the_contract() {
                    let stores = crate::stores::Stores {
                        write: crate::stores::Kind::$write,
                        read: crate::stores::Kind::$read,
                    };
                    crate::combinations::check(stores, $roles);
                }
            }
        })+
    };
}

combinations! {
    sqlite_and sqlite: Sqlite, Sqlite, "one";
    sqlite_with mongo: Sqlite, Mongo, "one";
    sqlite_with_views_in postgres: Sqlite, Postgres, "three";
    postgres with_views_in_sqlite: Postgres, Sqlite, "one";
    postgres_and postgres: Postgres, Postgres, "one";
}

mod postgres_with {
    mod postgres {
        mod mongo {
            #[test]
            fn it_passes_its_tests_and_answers_the_contract() {
                let stores = crate::stores::Stores {
                    write: crate::stores::Kind::Postgres,
                    read: crate::stores::Kind::Mongo,
                };
                crate::combinations::check(stores, "three");
            }
        }
    }
}

fn check(stores: Stores, roles: &str) {
    let Stores { write, read } = stores;
    let (write, read) = (write.option(), read.option());
    let name = format!("shop-{write}-{read}");
    let opened = stores.open();
    let project = Project::new(&name, &["--write", write, "--read", read, "--roles", roles]);
    only_what_was_chosen(&project, stores);

    first_order(&project, &opened, roles);
    project.check_format();
    shell::run(on(&mut project.command(&project.test), &name, &opened.names));

    binary::choose(&project.program());
    let sets = [bad_input::RULES, commands::RULES, queries::RULES, idempotency::RULES, operations::RULES];
    let shared = if roles == "three" { processes::RULES } else { &[] };
    for (rule, check) in sets.into_iter().chain([shared]).flatten() {
        println!("{rule}");
        check(stores);
    }
}

/// Starts what the README says, places an order, and sees it.
fn first_order(project: &Project, opened: &Opened, roles: &str) {
    assert_eq!(project.run.len(), if roles == "three" { 3 } else { 1 }, "{:?}", project.run);
    let start = |line: &String| {
        // What the README says is another test's port, too.
        let words =
            line.split(' ').map(|word| if word.starts_with("127.0.0.1:") { "127.0.0.1:0" } else { word });
        let mut command = project.command(&words.collect::<Vec<_>>().join(" "));
        let variable = format!("{}_LISTEN", project.name.replace('-', "_").to_uppercase());
        on(&mut command, &project.name, &opened.names).env(variable, "127.0.0.1:0");
        Service::spawn(command).listening_within(BUILD)
    };
    let mut services = vec![start(&project.run[0])];
    let placed = orders::place(&services[0].client(), "ada");
    let took = project.started.elapsed().as_secs_f64();
    println!("{}: {took:.1} s from `cargo cqrs new` to the first stored order", project.name);
    services.extend(project.run[1..].iter().map(start));
    let asked = services[services.len() - 1].client();
    assert_eq!(asked.get(&placed.path()).at_least(&placed.token).expect(200).json()["order_id"], placed.id);
    for service in services {
        assert_eq!(service.terminate().status.code(), Some(0));
    }
}

/// Has a program find its stores, by the project's own variables.
fn on<'c>(command: &'c mut Command, name: &str, names: &Names) -> &'c mut Command {
    let prefix = name.replace('-', "_").to_uppercase();
    command.env(format!("{prefix}_WRITE"), &names.write).env(format!("{prefix}_READ"), &names.read)
}

/// Neither its manifest nor its code knows of stores that were not chosen.
fn only_what_was_chosen(project: &Project, stores: Stores) {
    let files = project.made["made"]["files"].as_array().expect("a list");
    for path in files.iter().map(|path| path.as_str().expect("a path")) {
        let text = project.read(path);
        if path == "Cargo.lock" {
            continue;
        }
        for (kind, words) in [
            (Kind::Sqlite, &["cqrs-sqlite", "cqrs_sqlite", "sqlite:"][..]),
            (Kind::Postgres, &["cqrs-postgres", "cqrs_postgres", "postgres:"]),
            (Kind::Mongo, &["cqrs-mongo", "cqrs_mongo", "mongodb:"]),
        ] {
            if stores.write != kind && stores.read != kind {
                for word in words {
                    assert!(!text.contains(word), "{path} has {word}");
                }
            }
        }
        for word in ["feature = \"", "order-service", "order_service", "ORDER_SERVICE", "#%", "#+"] {
            assert!(!text.contains(word), "{path} has {word}");
        }
    }
}
