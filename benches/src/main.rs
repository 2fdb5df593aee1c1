//! Measures the framework next to the raw limits of its stores, in the same run: `cargo xtask bench`.
//!
//! Absolute numbers hold for one machine; the ratios to the limits carry over. Each figure is the median of several
//! rounds, in which framework and limit take turns.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod catch_up;
mod commands;
mod demands;
mod domain;
mod figures;
mod filling;
mod lag;
mod limit;
mod loads;
mod machine;
mod noting;
mod places;
mod plan;
mod rebuild;
mod rooms;
mod table;
mod together;
mod urls;
mod verify;
mod worker;

use clap::Parser as _;
use cqrs_core::runtime::with_causes;

use plan::{Options, Plan, Role, What};
use rooms::Rooms;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let done = match options.role {
        None => run(&Plan::of(options)).await,
        Some(Role::Worker) => worker::run().await,
        Some(Role::Needs) => {
            Plan::of(options).needs().iter().for_each(|server| println!("{server}"));
            Ok(())
        }
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {}", with_causes(&*error));
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(plan: &Plan) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures mean nothing. Use `cargo xtask bench`");
    }
    let rooms = Rooms::of_environment();
    let measured = tokio::select! {
        measured = measure(plan, &rooms) => measured,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Err("it was interrupted".into())
        }
    };
    let tidied = rooms.close_all().await;
    measured.and(tidied)
}

async fn measure(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    machine::describe(plan, rooms).await?;
    if plan.measures(What::Commands) {
        commands::run(plan, rooms).await?;
    }
    if plan.measures(What::Loads) {
        loads::run(plan, rooms).await?;
    }
    if plan.measures(What::CatchUp) {
        catch_up::run(plan, rooms).await?;
    }
    if plan.measures(What::Rebuild) {
        rebuild::run(plan, rooms).await?;
    }
    if plan.measures(What::Together) {
        together::run(plan, rooms).await?;
    }
    if plan.measures(What::Lag) {
        lag::run(plan, rooms).await?;
    }
    if plan.measures(What::Demands) {
        demands::run(plan, rooms).await?;
    }
    Ok(())
}
