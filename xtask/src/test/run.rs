//! Runs stages, one after the other.

use std::{
    collections::BTreeMap,
    io,
    process::Command,
    time::{Duration, Instant},
};

use super::{
    browser, count, deny, deps, msrv,
    outcome::{Outcome, Verdict},
    report::{self, Report},
    stage::Stage,
    targets::{self, Selection},
    without::Without,
};
use crate::{
    Error,
    cargo::{self, cargo},
    interrupt::Interrupt,
    process::{self, News},
    screen::{Colour, Screen},
    servers::Servers,
    workspace::Workspace,
};

#[derive(Debug)]
pub(super) struct Runner<'a> {
    workspace: &'a Workspace,
    screen: &'a mut Screen,
    interrupt: &'a Interrupt,
    /// Whether output is shown as it comes, not only after a failure.
    stream: bool,
    nextest: bool,
    selections: BTreeMap<Stage, Selection>,
    without: Without,
    /// From the start of a run that needs them to its end.
    servers: Option<Servers>,
    /// Of the stage that is running.
    label: String,
    started: Instant,
    output: String,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        workspace: &'a Workspace,
        screen: &'a mut Screen,
        interrupt: &'a Interrupt,
        stream: bool,
        without: Without,
    ) -> Result<Self, Error> {
        Ok(Self {
            workspace,
            screen,
            interrupt,
            stream,
            nextest: cargo::has_subcommand("nextest", &workspace.root),
            selections: targets::partition(workspace)?,
            without,
            servers: None,
            label: String::new(),
            started: Instant::now(),
            output: String::new(),
        })
    }

    pub(super) fn run(&mut self, stages: &[Stage], fail_fast: bool) -> Result<Report, Error> {
        let mut report = Report::default();
        if stages.iter().any(|stage| stage.needs_servers()) {
            // It may take minutes: the stages before those that need them run meanwhile.
            self.servers = Some(Servers::start(&self.without.servers(), self.interrupt));
        }
        for (index, stage) in stages.iter().copied().enumerate() {
            let (outcome, took) = if self.interrupt.requested() {
                (Outcome::not_run("interrupted"), Duration::ZERO)
            } else if fail_fast && report.failed() {
                (Outcome::not_run("an earlier stage failed"), Duration::ZERO)
            } else {
                self.stage(stage, &format!("[{:>2}/{}] ", index + 1, stages.len()))?
            };
            report.add(stage, outcome, took);
        }
        if self.servers.is_some() {
            self.screen.live("stopping the servers")?;
            self.servers = None;
            self.screen.text("")?;
        }
        Ok(report)
    }

    fn stage(&mut self, stage: Stage, number: &str) -> Result<(Outcome, Duration), Error> {
        self.label = format!("{number}{:<11}  ", stage.name());
        self.started = Instant::now();
        self.output.clear();
        if self.stream || !self.screen.is_terminal() {
            let line = format!("{number}{}", stage.describe());
            let line = self.screen.paint(Colour::Bold, &line);
            self.screen.line(&line)?;
        } else {
            self.screen.live(&self.label)?;
        }

        let mut outcome = match self.execute(stage) {
            Ok(outcome) => outcome,
            // A check that can't be made has failed; the others can be made all the same.
            Err(error) => {
                self.take(&format!("{error}\n"))?;
                Outcome::of_check(false)
            }
        };
        if self.interrupt.requested() {
            outcome = Outcome::not_run("interrupted");
        }
        let took = self.started.elapsed();
        if outcome.verdict == Verdict::Failed && !self.stream {
            self.screen.text(&self.output)?;
        }
        let line = format!("{}{}", self.label, report::finished(self.screen, &outcome, took));
        self.screen.line(&line)?;
        Ok((outcome, took))
    }

    fn execute(&mut self, stage: Stage) -> Result<Outcome, Error> {
        match stage {
            Stage::Msrv => {
                let problems = msrv::check(self.workspace)?;
                self.problems(&problems)
            }
            Stage::Format => {
                // On its own, rustfmt colours what it writes into a pipe, too.
                let colour = if self.screen.is_coloured() { "always" } else { "never" };
                self.tool("fmt", "rustfmt", &["--all", "--check", "--", "--color", colour])
            }
            Stage::Deps => {
                let problems = deps::check(self.workspace)?;
                self.problems(&problems)
            }
            Stage::Deny => self.deny(),
            Stage::Clippy => {
                self.tool("clippy", "clippy", &["--workspace", "--all-targets", "--", "--deny", "warnings"])
            }
            Stage::Docs => {
                let mut command = cargo(&self.workspace.root);
                command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings");
                Ok(Outcome::of_check(self.command(command)?))
            }
            Stage::DocTests => {
                let mut command = cargo(&self.workspace.root);
                command.args(["test", "--workspace", "--no-fail-fast", "--doc"]);
                let success = self.command(command)?;
                Ok(Outcome::of_tests(success, count::of_cargo_test(&self.output)))
            }
            Stage::Browser => match browser::find()? {
                Some(browser) => self.tests(stage, |command| {
                    command.env(browser::VARIABLE, &browser);
                }),
                None => Ok(Outcome::not_run(browser::NEEDED)),
            },
            Stage::Unit | Stage::Ui => self.tests(stage, |_| {}),
            Stage::Conformance | Stage::EndToEnd | Stage::Scaffold => self.on_servers(stage),
        }
    }

    /// A subcommand of cargo that comes as a component of the toolchain.
    fn tool(&mut self, subcommand: &str, component: &str, arguments: &[&str]) -> Result<Outcome, Error> {
        if !cargo::has_subcommand(subcommand, &self.workspace.root) {
            return Ok(Outcome::failed(format!("needs {component}: rustup component add {component}")));
        }
        let mut command = cargo(&self.workspace.root);
        command.arg(subcommand).args(arguments);
        Ok(Outcome::of_check(self.command(command)?))
    }

    fn deny(&mut self) -> Result<Outcome, Error> {
        let findings = deny::check(self.workspace)?;
        let mut outcome = self.problems(&findings.problems)?;
        if cargo::has_subcommand("deny", &self.workspace.root) {
            let mut command = cargo(&self.workspace.root);
            command.args(["deny", "check", "bans", "licenses", "sources"]);
            if !self.command(command)? {
                outcome.verdict = Verdict::Failed;
            }
        } else {
            outcome = outcome.note(
                "not run: cargo-deny is not installed; what deny.toml says of licences, duplicate versions and \
                 sources was checked without it",
            );
        }
        outcome.notes.extend(findings.notes);
        Ok(outcome)
    }

    fn tests(&mut self, stage: Stage, prepare: impl Fn(&mut Command)) -> Result<Outcome, Error> {
        let nothing = Without::default();
        let without = if stage.needs_servers() { self.without.clone() } else { nothing };
        let Some(targets) = self.selections.get(&stage).and_then(|targets| targets.arguments(&without))
        else {
            return Ok(Outcome::not_run("the workspace has no test target for this stage"));
        };
        let root = &self.workspace.root;
        let plain = || {
            let mut command = cargo(root);
            command.args(["test", "--workspace", "--no-fail-fast"]).args(&targets);
            prepare(&mut command);
            command
        };
        let mut command = if self.nextest {
            let mut command = cargo(root);
            command
                .args(["nextest", "run", "--no-tests=pass", "--workspace", "--no-fail-fast"])
                .args(&targets);
            prepare(&mut command);
            command
        } else {
            plain()
        };
        let mut skipped = 0;
        if self.nextest && !without.is_empty() {
            command.args(["--filterset", &without.filter()]);
        } else if !without.is_empty() {
            let mut list = plain();
            list.args(["--", "--list"]);
            if !self.command(list)? {
                return Ok(Outcome::of_check(false));
            }
            let excluded = without.excluded(&self.output);
            command.args(["--", "--exact"]).args(excluded.iter().flat_map(|test| ["--skip", test]));
            skipped = excluded.len();
            self.output.clear();
        }
        let success = self.command(command)?;
        let mut count =
            if self.nextest { count::of_nextest(&self.output) } else { count::of_cargo_test(&self.output) };
        if let Some(count) = &mut count {
            // Unlike nextest, `cargo test` has no word for them.
            count.skipped += u64::try_from(skipped)?;
        }
        Ok(Outcome::of_tests(success, count))
    }

    /// Tests that need servers: without them, not one is run, and the stage has failed.
    fn on_servers(&mut self, stage: Stage) -> Result<Outcome, Error> {
        let Some(mut servers) = self.servers.take() else {
            return Err("no server was started for this stage".into());
        };
        let outcome = self.on(&mut servers, stage);
        self.servers = Some(servers);
        outcome
    }

    fn on(&mut self, servers: &mut Servers, stage: Stage) -> Result<Outcome, Error> {
        let mut said = String::new();
        servers.wait(|progress| {
            if !self.stream {
                let took = report::duration(self.started.elapsed());
                self.screen.live(&format!("{}{took}  {progress}", self.label))
            } else if progress.is_empty() || said == progress {
                Ok(())
            } else {
                progress.clone_into(&mut said);
                self.screen.line(progress)
            }
        })?;
        let failures = servers.failures();
        let mut outcome = if failures.is_empty() {
            self.tests(stage, |command| servers.tell(command))?
        } else {
            Outcome::of_check(false)
        };
        outcome.notes.extend(failures);
        outcome.notes.extend(servers.notes());
        outcome.notes.extend(servers.ended()?);
        if !self.without.is_empty() {
            outcome.notes.push(self.without.note());
        }
        Ok(outcome)
    }

    fn problems(&mut self, problems: &[String]) -> Result<Outcome, Error> {
        for problem in problems {
            self.take(&format!("{problem}\n"))?;
        }
        Ok(Outcome::of_check(problems.is_empty()))
    }

    fn command(&mut self, mut command: Command) -> io::Result<bool> {
        if self.screen.is_coloured() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let interrupt = self.interrupt;
        process::run(command, interrupt, |news| {
            if let News::Line(line) = news {
                self.take(line)?;
            }
            if self.stream {
                return Ok(());
            }
            self.screen.live(&format!("{}{}", self.label, report::duration(self.started.elapsed())))
        })
    }

    fn take(&mut self, text: &str) -> io::Result<()> {
        self.output.push_str(text);
        if self.stream { self.screen.text(text) } else { Ok(()) }
    }
}
