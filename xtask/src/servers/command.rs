//! `cargo xtask servers`: the servers of the tests, for a developer's own runs.

use std::{process::ExitCode, thread, time::Duration};

use clap::Args;

use super::{Kind, Servers};
use crate::{Error, interrupt, interrupt::Interrupt, screen::Screen};

const TICK: Duration = Duration::from_millis(100);

/// Start the servers that the tests need, and print their URLs, until ctrl-c
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which; all of them where none is named
    #[arg(value_name = "SERVER")]
    servers: Vec<Kind>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let interrupt = Interrupt::listen()?;
    let mut screen = Screen::new();
    let kinds: Vec<Kind> = Kind::all()
        .iter()
        .copied()
        .filter(|kind| options.servers.is_empty() || options.servers.contains(kind))
        .collect();
    let mut servers = Servers::start(&kinds, &interrupt);
    servers.wait(|progress| screen.live(progress))?;
    let stopped = Ok(ExitCode::from(interrupt::EXIT_CODE));
    if interrupt.requested() {
        screen.text("")?;
        return stopped;
    }
    if let Some(failure) = servers.failures().into_iter().reduce(|all, one| format!("{all}\n\n{one}")) {
        screen.text("")?;
        return Err(failure.into());
    }
    for note in servers.notes() {
        screen.line(&format!("# {}", note.replace('\n', "\n# ")))?;
    }
    for (name, value) in servers.ready().flat_map(super::Server::environment) {
        screen.line(&format!("export {name}={}", quoted(&value.to_string_lossy())))?;
    }
    screen.line("# until ctrl-c")?;
    while !interrupt.requested() {
        if let Some(ended) = servers.ended()?.pop() {
            return Err(ended.into());
        }
        thread::sleep(TICK);
    }
    stopped
}

/// As a shell reads it: an address may hold what means something to it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("mongodb://a/?b=c&d"), "'mongodb://a/?b=c&d'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
