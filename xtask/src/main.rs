//! `cargo xtask …`: everything that a shell script would otherwise do.
//!
//! Each command is a module with its own options and a `run` function; this file only reads the command line.

mod bench;
mod build_time;
mod cargo;
mod interrupt;
mod process;
mod screen;
mod test;
mod workspace;

use std::{io::Write, process::ExitCode};

use clap::Parser;

/// What a command ends with when it can't do its work at all; what its checks find is not an error.
type Error = Box<dyn std::error::Error>;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Xtask {
    Test(test::Options),
    Bench(bench::Options),
    BuildTime(build_time::Options),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Test(options) => test::run(&options),
        Xtask::Bench(options) => bench::run(&options),
        Xtask::BuildTime(options) => build_time::run(&options),
    };
    result.unwrap_or_else(|error| {
        // Where standard error is gone too, the exit code is all that is left to say.
        let _ = writeln!(std::io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}
