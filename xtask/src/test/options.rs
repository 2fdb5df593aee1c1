//! The command line of `cargo xtask test`.

use std::{env, process::ExitCode};

use clap::Args;

use super::{
    report::Report,
    run::Runner,
    stage::Stage,
    without::{Part, Without},
};
use crate::{Error, interrupt, interrupt::Interrupt, screen::Screen, workspace::Workspace};

/// Run every check and test, or just the named stages
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Stages to run; all of them where none is named
    #[arg(value_name = "STAGE", hide_possible_values = true)]
    stages: Vec<Stage>,

    /// List the stages and what each is for
    #[arg(long, conflicts_with = "stages")]
    list: bool,

    /// Show the whole output of each stage while it runs, not just that of a failed one (so it is in CI)
    #[arg(long, short)]
    verbose: bool,

    /// Leave out the tests that need one of these servers, or that kill servers of their own; the summary says so
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    without: Vec<Part>,

    /// Run nothing more after the first stage that fails
    #[arg(long)]
    fail_fast: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let mut screen = Screen::new();
    if options.list {
        for stage in Stage::all() {
            screen.line(&stage.describe())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::read()?;
    let interrupt = Interrupt::listen()?;
    let stream = options.verbose || env::var_os("CI").is_some_and(|value| value == "true" || value == "1");

    let stages = Stage::choose(&options.stages);
    let mut runner =
        Runner::new(&workspace, &mut screen, &interrupt, stream, Without::new(&options.without))?;
    let report = runner.run(&stages, options.fail_fast)?;
    screen.text(&report.render(&screen))?;
    Ok(exit_code(&report, &interrupt))
}

fn exit_code(report: &Report, interrupt: &Interrupt) -> ExitCode {
    if interrupt.requested() {
        interrupt::EXIT_CODE.into()
    } else if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
