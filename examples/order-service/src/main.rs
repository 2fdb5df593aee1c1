//! The order service as a program; see its library for how it is made.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use order_service::{Options, Task};
use tracing_subscriber::EnvFilter;

#[tokio::main]
#[allow(clippy::print_stderr, reason = "a program's own words to the person who started it")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("order-service: {}", cqrs_core::runtime::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "a program's own words to the person who started it")]
async fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    match &options.task {
        #[cfg(feature = "read-store")]
        Some(Task::Rebuild(rebuild)) => {
            println!("{}", order_service::rebuild::rebuild(options, rebuild).await?);
        }
        #[cfg(not(feature = "read-store"))]
        Some(Task::Rebuild(_)) => {
            return Err("`rebuild` needs the cargo feature `projector` or `query`".into());
        }
        _ => order_service::serve(options).await?,
    }
    Ok(())
}
