//! What a build for one role is made of.

use std::{collections::BTreeSet, process::Command};

/// The crates in the service, built for these features.
fn crates(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "order-service", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}|{f}", "--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut crates = BTreeSet::new();
    for line in String::from_utf8(output.stdout).expect("names are UTF-8").lines() {
        let (package, features) = line.split_once('|').expect("as the format has it");
        let name = package.split(' ').next().expect("split has a first part");
        crates.insert(name.to_owned());
        crates
            .extend(features.trim_end_matches(" (*)").split(',').map(|feature| format!("{name}/{feature}")));
    }
    crates
}

fn check(features: &str, with: &[&str], without: &[&str]) {
    let crates = crates(features);
    for name in with {
        assert!(crates.contains(*name), "a build for {features} needs {name}");
    }
    for name in without {
        assert!(!crates.contains(*name), "a build for {features} must not contain {name}");
    }
}

#[test]
fn a_build_that_only_queries_has_no_aggregate_and_no_write_store() {
    let without = ["order-domain", "cqrs-sqlite/events"];
    check("query,sqlite", &["order-views", "order-events", "cqrs-sqlite/views"], &without);
    let without = ["order-domain", "cqrs-sqlite", "cqrs-postgres", "sqlx-core", "sqlx-postgres"];
    check("query,mongodb", &["order-views", "order-events", "mongodb"], &without);
    let without = ["order-domain", "cqrs-postgres/events", "mongodb"];
    check("query,postgres", &["order-views", "cqrs-postgres/views", "sqlx-postgres"], &without);
}

#[test]
fn a_build_that_only_takes_commands_has_no_views_and_no_read_store() {
    let without = ["order-views", "cqrs-sqlite/views"];
    check("command,sqlite", &["order-domain", "order-events", "cqrs-sqlite/events"], &without);
    let without = ["order-views", "cqrs-postgres/views", "cqrs-sqlite", "cqrs-mongo", "mongodb", "bson"];
    check("command,postgres", &["order-domain", "cqrs-postgres/events", "sqlx-postgres"], &without);
}

#[test]
fn a_build_that_only_projects_has_no_aggregate() {
    let with = ["order-views", "order-events", "cqrs-sqlite/views", "cqrs-sqlite/events"];
    check("projector,sqlite", &with, &["order-domain"]);
}

#[test]
fn a_build_without_sqlite_has_no_sqlite() {
    check("command,projector,query", &["order-domain", "order-views"], &["cqrs-sqlite", "rusqlite"]);
}

#[test]
fn the_service_as_it_comes_has_all_of_it() {
    check(
        "default",
        &["order-domain", "order-views", "cqrs-sqlite/views", "cqrs-sqlite/events"],
        &["cqrs-testkit", "cqrs-postgres", "sqlx-postgres", "cqrs-mongo", "mongodb"],
    );
}
