//! `cargo xtask bench`: builds the benchmark for speed, and runs it.

use std::process::ExitCode;

use clap::Args;

use crate::{Error, cargo, workspace::Workspace};

/// Measures commands/s, catch-up and lag next to the raw limits of the stores; `bench peers`: next to other frameworks
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What the benchmark itself takes; `cargo xtask bench -- --help` shows it, and `bench peers --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let mut command = cargo::cargo(&Workspace::read()?.root);
    command.args(["run", "--quiet", "--release"]);
    match options.arguments.split_first() {
        // A workspace of its own: no peer is a dependency.
        Some((first, rest)) if first == "peers" => {
            command.args(["--locked", "--manifest-path", "benches/peers/Cargo.toml", "--"]).args(rest)
        }
        _ => command.args(["--package", "cqrs-bench", "--"]).args(&options.arguments),
    };
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
