//! `cargo cqrs …`: starts a service of one's own, and adds to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_cqrs::run(std::env::args_os())
}
