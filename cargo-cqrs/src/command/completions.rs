use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{Report, cli::Cli};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
The shell completes `cargo-cqrs …`; with bash, for example:
  cargo cqrs completions bash > ~/.local/share/bash-completion/completions/cargo-cqrs")]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &Options) -> Report {
    let mut script = Vec::new();
    let mut command = Cli::command().bin_name("cargo-cqrs");
    clap_complete::generate(options.shell, &mut command, "cargo-cqrs", &mut script);
    Report { text: String::from_utf8_lossy(&script).into_owned(), json: None }
}
