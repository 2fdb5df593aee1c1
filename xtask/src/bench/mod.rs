//! `cargo xtask bench`: builds the benchmark for speed, starts the servers that it asks for, and runs it.

use std::{process::Command, process::ExitCode};

use clap::Args;

use crate::{
    Error, cargo,
    interrupt::{self, Interrupt},
    screen::Screen,
    servers::{self, Kind, Server, Servers},
    workspace::Workspace,
};

/// Where the benchmark looks for a `PostgreSQL` with a slow disk.
const SLOW_POSTGRES: &str = "CQRS_BENCH_SLOW_POSTGRES_URL";

/// Measures commands/s, loads, catch-up, rebuilds, ten projections, lag and what freshness costs, next to the raw limits of the stores; `bench peers`: next to other frameworks
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What the benchmark itself takes; `cargo xtask bench -- --help` shows it, and `bench peers --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let workspace = Workspace::read()?;
    if let Some((first, rest)) = options.arguments.split_first()
        && first == "peers"
    {
        return peers(rest, &workspace);
    }
    let interrupt = Interrupt::listen()?;
    let mut screen = Screen::new();
    // All that can be done before is done before: nothing else may run beside the benchmark.
    let needs = Needs::ask(options, &workspace)?;
    let mut servers = Servers::start(&needs.servers, &interrupt);
    servers.wait(|progress| screen.live(progress))?;
    screen.text("")?;
    if let Some(failure) = servers.failures().into_iter().reduce(|all, one| format!("{all}\n\n{one}")) {
        return Err(failure.into());
    }
    for note in servers.notes() {
        screen.line(&note)?;
    }
    let slow = if needs.slow_postgres { start_slow(&workspace, &interrupt, &mut screen)? } else { None };
    if interrupt.requested() {
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }

    let mut command = benchmark(options, &workspace);
    servers.tell(&mut command);
    if let Some(slow) = &slow {
        command.env(SLOW_POSTGRES, slow.url());
    }
    finish(command)
}

/// In a workspace of its own, as no peer is to be a dependency; it starts its servers itself.
fn peers(arguments: &[String], workspace: &Workspace) -> Result<ExitCode, Error> {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["run", "--quiet", "--release", "--manifest-path", "benches/peers/Cargo.toml", "--"]);
    command.args(arguments);
    finish(command)
}

fn finish(mut command: Command) -> Result<ExitCode, Error> {
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn benchmark(options: &Options, workspace: &Workspace) -> Command {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["run", "--quiet", "--release", "--package", "cqrs-bench", "--"]).args(&options.arguments);
    command
}

/// `None` where there can't be one: the benchmark goes on without, and says so too.
fn start_slow(
    workspace: &Workspace,
    interrupt: &Interrupt,
    screen: &mut Screen,
) -> Result<Option<Server>, Error> {
    match servers::start_slow_postgres(&workspace.root.join("benches/fsync_delay.c"), interrupt) {
        Ok(server) => {
            screen.line(&format!("with 1 ms more for each fsync: {}", server.description()))?;
            Ok(Some(server))
        }
        Err(error) => {
            screen.line(&format!("1 ms more for each fsync can't be measured: {error}"))?;
            Ok(None)
        }
    }
}

/// The servers that the benchmark needs for what it was asked to measure.
#[derive(Debug, Default)]
struct Needs {
    servers: Vec<Kind>,
    slow_postgres: bool,
}

impl Needs {
    /// Asks the benchmark itself, which is built by the way.
    fn ask(options: &Options, workspace: &Workspace) -> Result<Self, Error> {
        if options.arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
            return Ok(Self::default());
        }
        let output = benchmark(options, workspace)
            .args(["--role", "needs"])
            .stderr(std::process::Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err("the benchmark was not built, or does not understand its arguments; see above".into());
        }
        Self::of(std::str::from_utf8(&output.stdout)?)
    }

    fn of(lines: &str) -> Result<Self, Error> {
        let mut needs = Self::default();
        for line in lines.lines() {
            match line {
                "slow-postgres" => needs.slow_postgres = true,
                name => {
                    let kind = Kind::all().iter().find(|kind| kind.option() == name);
                    needs.servers.push(*kind.ok_or_else(|| format!("there is no server {name:?}"))?);
                }
            }
        }
        Ok(needs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmark_says_which_servers_it_needs() {
        let needs = Needs::of("postgres\nslow-postgres\nmongo\n").expect("known names");
        assert_eq!(needs.servers, [Kind::Postgres, Kind::Mongo]);
        assert!(needs.slow_postgres);
        let error = Needs::of("oracle\n").expect_err("an unknown name");
        assert!(error.to_string().contains("oracle"), "{error}");
    }
}
