//! Measures the framework next to its peers and to the raw limits, in one run: `cargo xtask bench peers`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod contenders;
mod machine;
mod measure;
mod progress;
mod report;
mod server;
mod versions;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use jiff::Zoned;
use peers_harness::Failure;
use url::Url;

use crate::{
    machine::Machine,
    measure::{Plans, SqliteProgram},
    progress::Progress,
    report::Report,
    server::Server,
};

/// Measures the framework next to its peers and to the raw limits, on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench peers")]
struct Options {
    /// A server whose role may create databases, as postgres://user:password@host:port/database; otherwise one is
    /// started in the temporary folder
    #[arg(long, value_name = "URL")]
    postgres: Option<Url>,
    /// A short run, which shows that everything works; its figures say little, and go into no document unless --docs says
    /// where
    #[arg(long)]
    quick: bool,
    /// Where performance.md is that the tables go into, and the plot beside it; default: the project's docs
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let run = run(options);
    let interrupted = tokio::signal::ctrl_c();
    let result = tokio::select! {
        result = run => result,
        _ = interrupted => Err("interrupted".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures mean nothing. Use `cargo xtask bench peers`");
    }
    let plans = if options.quick { Plans::QUICK } else { Plans::FULL };
    let progress = Progress::new();
    let sqlite = SqliteProgram::build(&progress).await?;
    let server = Server::open(options.postgres).await?;
    let databases = &server.databases;
    let report = Report {
        plans,
        date: Zoned::now().strftime("%Y-%m-%d").to_string(),
        machine: Machine::look(&server.folder().unwrap_or_else(std::env::temp_dir))?,
        server: databases.version().await?,
        own_server: server.is_own(),
        rust: machine::rust(),
        versions: versions::versions()?,
        commands: measure::commands(databases, plans, &progress).await?,
        loads: measure::loads(databases, plans, &progress).await?,
        projections: measure::projections(databases, plans, &progress).await?,
        sqlite: sqlite.measure(plans, &progress).await?,
    };
    progress.end();
    println!("{}", report.terminal());
    let docs = if options.quick { options.docs } else { Some(options.docs.unwrap_or_else(docs)) };
    if let Some(docs) = docs {
        report.write(&docs)?;
        println!("wrote the tables into {0}/performance.md, and the plot into {0}/peers.svg", docs.display());
    }
    Ok(())
}

/// Those of the project.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}
