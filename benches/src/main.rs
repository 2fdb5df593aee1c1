//! Measures the framework next to the raw limits of its stores, in the same run: `cargo xtask bench`.
//!
//! Absolute numbers hold for one machine; the ratios to the limits carry over. Each figure is the median of several
//! rounds, in which framework and limit take turns.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod catch_up;
mod commands;
mod domain;
mod figures;
mod lag;
mod limit;
mod places;

use clap::Parser;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures commands/s, catch-up and lag next to the raw limits, on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Options {
    /// What to measure; all, if none is named
    #[arg(value_enum)]
    what: Vec<What>,
    /// How many rounds; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement of commands takes, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many events the backlog of the catch-up has
    #[arg(long, default_value_t = 100_000)]
    backlog: u64,
    /// Used by the benchmark itself: runs the projections of these two files until its input ends
    #[arg(long, hide = true, num_args = 2)]
    projector: Option<Vec<std::path::PathBuf>>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Commands/s at 1, 8, 32 and 128 tasks
    Commands,
    /// Events/s of a projection that works through a backlog
    CatchUp,
    /// From an acknowledged command to the visible view, at 200 commands/s
    Lag,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let options = Options::parse();
    match run(options).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    if let Some(files) = &options.projector {
        return lag::projector(&files[0], &files[1]).await;
    }
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures mean nothing. Use `cargo xtask bench`");
    }
    let wanted = |what| options.what.is_empty() || options.what.contains(&what);
    if wanted(What::Commands) {
        commands::run(options.rounds, options.seconds).await?;
    }
    if wanted(What::CatchUp) {
        catch_up::run(options.rounds, options.backlog).await?;
    }
    if wanted(What::Lag) {
        lag::run(options.rounds).await?;
    }
    Ok(())
}
