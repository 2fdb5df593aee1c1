//! What `cargo xtask test` tells of the servers that it has found or started.

use std::{env, path::PathBuf};

/// The URL of a PostgreSQL that may be used, not stopped; its user may create databases.
pub(super) const POSTGRES_URL: &str = "CQRS_TEST_POSTGRES_URL";
/// The URL of a MongoDB that may be used, not stopped.
pub(super) const MONGO_URL: &str = "CQRS_TEST_MONGO_URL";
/// The folder with `initdb` and `postgres`.
const POSTGRES_BIN: &str = "CQRS_TEST_POSTGRES_BIN";
/// The path of `mongod`, or of a program that takes its place.
const MONGO_BIN: &str = "CQRS_TEST_MONGO_BIN";

pub(super) fn url(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| missing(variable, "the URL of a server"))
}

pub(super) fn postgres_programs() -> PathBuf {
    env::var_os(POSTGRES_BIN)
        .unwrap_or_else(|| missing(POSTGRES_BIN, "the folder with PostgreSQL's `initdb` and `postgres`"))
        .into()
}

pub(super) fn mongo_program() -> PathBuf {
    env::var_os(MONGO_BIN)
        .unwrap_or_else(|| missing(MONGO_BIN, "the path of `mongod`, or of `secantusd-rs`"))
        .into()
}

fn missing(variable: &str, what: &str) -> ! {
    panic!("this test needs a server: run it by `cargo xtask test e2e`, or set {variable} to {what}")
}
