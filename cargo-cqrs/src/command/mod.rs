//! The commands. Each has a module of its own, with its options and what it does.

mod add;
mod completions;
mod man;
mod new;

use clap::Subcommand;

use crate::{Error, Report};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::Options),
    Add(add::Options),
    Completions(completions::Options),
    Man(man::Options),
}

impl Command {
    pub(crate) fn run(&self) -> Result<Report, Error> {
        match self {
            Self::New(options) => new::run(options),
            Self::Add(options) => add::run(options),
            Self::Completions(options) => Ok(completions::run(options)),
            Self::Man(options) => man::run(options),
        }
    }
}
