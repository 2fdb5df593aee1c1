//! `cargo xtask …`: everything that a shell script would otherwise do.
//!
//! Each command is a module with its own options and a `run` function; this file only reads the command line.

mod bench;
mod build_time;
mod cargo;
mod interrupt;
mod process;
mod screen;
mod servers;
mod signal;
mod soak;
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
    Servers(servers::Options),
    Bench(bench::Options),
    Soak(soak::Options),
    BuildTime(build_time::Options),
    /// Stands between this program and a server that it has started
    #[command(hide = true)]
    Guard(servers::GuardOptions),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Test(options) => test::run(&options),
        Xtask::Servers(options) => servers::run(&options),
        Xtask::Bench(options) => bench::run(&options),
        Xtask::Soak(options) => soak::run(&options),
        Xtask::BuildTime(options) => build_time::run(&options),
        Xtask::Guard(options) => servers::guard(&options),
    };
    result.unwrap_or_else(|error| {
        // Where standard error is gone too, the exit code is all that is left to say.
        let _ = writeln!(std::io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}
