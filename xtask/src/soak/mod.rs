//! `cargo xtask soak`: long runs under load, in which much goes wrong. They are tests of the package `cqrs-tests`, of which `cargo
//! xtask test` runs a cut; here they are run whole.

mod progress;
mod scenario;

use std::{
    process::{Command, ExitCode},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;

use self::{
    progress::Progress,
    scenario::{Scenario, Store},
};
use crate::{
    Error,
    cargo::cargo,
    interrupt::{self, Interrupt},
    process::{self, News},
    screen::{Colour, Screen},
    servers::Servers,
    workspace::Workspace,
};

/// Run the system for long, under load, while its processes are killed, paused and rebuilt
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to run; all of it, one after the other, where nothing is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,

    /// Takes the same chances as a run that told this number; else it is up to chance
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How long each scenario goes on, without what comes before and after it
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0, value_parser = minutes)]
    minutes: f64,

    /// Where events and views are
    #[arg(long, value_name = "STORE", value_enum, default_value_t = Store::Postgres)]
    store: Store,

    /// How many commands a second are offered; a machine that takes fewer is not at fault
    #[arg(long, value_name = "COMMANDS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// Into how many partitions the projections are divided: 1, 2, 4, … or 1024
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    partitions: u32,

    /// Build the programs for speed
    #[arg(long)]
    release: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "this is no number".to_owned())?;
    let is_some = minutes > 0.0 && minutes <= 24.0 * 60.0;
    if is_some { Ok(minutes) } else { Err("it is more than 0, and at most a day".to_owned()) }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let workspace = Workspace::read()?;
    let interrupt = Interrupt::listen()?;
    let mut screen = Screen::new();
    let seed = match options.seed {
        Some(seed) => seed,
        None => chance()?,
    };
    screen.line(&format!("seed {seed}"))?;

    let mut servers = Servers::start(options.store.servers(), &interrupt);
    servers.wait(|progress| screen.live(progress))?;
    screen.text("")?;
    if let Some(failure) = servers.failures().into_iter().reduce(|all, one| format!("{all}\n\n{one}")) {
        return Err(failure.into());
    }
    for note in servers.notes() {
        screen.line(&note)?;
    }

    let mut failed = Vec::new();
    for scenario in Scenario::choose(&options.scenarios) {
        if interrupt.requested() {
            break;
        }
        let line = screen.paint(Colour::Bold, &format!("{}  {}", scenario.name(), scenario.about()));
        screen.line(&line)?;
        let mut command = cargo(&workspace.root);
        options.prepare(&mut command, scenario, seed);
        servers.tell(&mut command);
        let mut progress = Progress::default();
        let success = process::run(command, &interrupt, |news| match news {
            News::Line(line) => progress.line(&mut screen, line),
            News::Quiet => Ok(()),
        })?;
        screen.text("")?;
        // A filter that has gone wrong must not look like success.
        if !success || progress.passed() != 1 {
            failed.push(scenario);
        }
    }
    if interrupt.requested() {
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    for ended in servers.ended()? {
        screen.line(&ended)?;
    }
    for scenario in &failed {
        let line = format!("{} failed; again: {}", scenario.name(), options.again(*scenario, seed));
        let line = screen.paint(Colour::Red, &line);
        screen.line(&line)?;
    }
    if failed.is_empty() {
        let line = screen.paint(Colour::Green, &format!("all went well with the seed {seed}"));
        screen.line(&line)?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

impl Options {
    /// The test that is the scenario, with what it reads from its environment.
    fn prepare(&self, command: &mut Command, scenario: Scenario, seed: u64) {
        // Of the whole workspace, so that dependencies have the features that they are tested with.
        command.args(["test", "--workspace", "--test", "e2e"]);
        if self.release {
            command.arg("--release");
        }
        command.args(["--", "--include-ignored", "--nocapture", "--test-threads", "1"]);
        command.args(self.store.filter(scenario));
        command
            .env("E2E_SEED", seed.to_string())
            .env("SOAK_MINUTES", self.minutes.to_string())
            .env("SOAK_RATE", self.rate.to_string())
            .env("ORDER_SERVICE_PARTITIONS", self.partitions.to_string());
    }

    /// What to type for the same again.
    fn again(&self, scenario: Scenario, seed: u64) -> String {
        let Self { minutes, rate, partitions, .. } = self;
        let (scenario, store) = (scenario.name(), self.store.name());
        let release = if self.release { " --release" } else { "" };
        format!(
            "cargo xtask soak {scenario} --seed {seed} --minutes {minutes} --store {store} --rate {rate} --partitions {partitions}{release}"
        )
    }
}

/// Another one for each run; what comes of it is left to a generator.
fn chance() -> Result<u64, Error> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    Ok(u64::try_from(nanos % 1_000_000_000)?)
}

#[cfg(test)]
mod tests {
    use clap::{Parser as _, error::ErrorKind};

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        let words = std::iter::once("soak").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[test]
    fn what_is_said_to_type_is_the_same_run() {
        let options =
            parse("poison --store mongo --minutes 0.5 --rate 100 --partitions 64 --release").expect("known");
        let again = options.again(Scenario::Poison, 7);
        let typed =
            parse(again.strip_prefix("cargo xtask soak ").expect("a command")).expect("it can be typed");
        assert_eq!(typed.again(Scenario::Poison, 7), again);
        assert_eq!((typed.seed, typed.scenarios), (Some(7), vec![Scenario::Poison]));
    }

    #[test]
    fn a_run_of_no_time_is_refused() {
        for minutes in ["0", "-1", "NaN", "1441", "long"] {
            let error = parse(&format!("--minutes={minutes}")).expect_err("no time");
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{minutes}: {error}");
        }
    }
}
