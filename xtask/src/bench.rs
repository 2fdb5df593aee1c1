//! `cargo xtask bench`: builds the benchmark for speed, and runs it.

use std::process::ExitCode;

use clap::Args;

use crate::{Error, cargo, workspace::Workspace};

/// Measures commands/s, catch-up and lag next to the raw limits of the stores
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What the benchmark itself takes; `cargo xtask bench -- --help` shows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let status = cargo::cargo(&Workspace::read()?.root)
        .args(["run", "--quiet", "--release", "--package", "cqrs-bench", "--"])
        .args(&options.arguments)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
