use clap::Parser;

use crate::command::Command;

/// Starts a service of one's own on the CQRS framework, and adds to it
#[derive(Debug, Parser)]
#[command(
    name = "cargo-cqrs",
    bin_name = "cargo cqrs",
    version,
    disable_help_subcommand = true,
    max_term_width = 80,
    after_help = "\
Examples:
  cargo cqrs new shop               an order service on SQLite, to change
  cargo cqrs new shop --write postgres --read mongo --roles three
  cargo cqrs new ledger --blank     the smallest thing that runs
  cargo cqrs add aggregate payment  in a project that was made so

Exit codes: 0 done; 1 it failed, and nothing was changed; 2 the arguments are
wrong; 3 it is done, but stdout can't be written; 130 stopped by ctrl-c or
another signal, and nothing was changed."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}
