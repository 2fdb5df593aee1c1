//! `cargo xtask build-time`: how long a newcomer waits for the demo, and what the macros cost.

mod annotated;
mod by_hand;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Args;

use crate::{Error, cargo, workspace::Workspace};

/// Measures a clean build of the demo, and a domain of many events with macros against one by hand
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many events the domain has
    #[arg(long, default_value_t = 50)]
    events: usize,
    /// How often each domain is compiled; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Leave out the clean build of the demo, which takes minutes
    #[arg(long)]
    without_demo: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let root = Workspace::read()?.root;
    let folder = root.join("target").join("build-time");
    let mut out = std::io::stdout();
    if !options.without_demo {
        let target = folder.join("demo");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let took = timed(&root, &["build", "--quiet", "--package", "order-service"], &target)?;
        fs::remove_dir_all(&target)?;
        writeln!(out, "clean build of order-service and its dependencies: {:.1} s", took.as_secs_f64())?;
    }
    let domains = [
        Domain::write(&folder, &root, "annotated", &annotated::source(options.events))?,
        Domain::write(&folder, &root, "by-hand", &by_hand::source(options.events))?,
    ];
    let mut times = [Vec::new(), Vec::new()];
    for domain in &domains {
        domain.compile()?;
    }
    for _ in 0..options.rounds {
        for (domain, times) in domains.iter().zip(&mut times) {
            domain.touch()?;
            times.push(domain.compile()?);
        }
    }
    let [annotated, by_hand] = times.map(median);
    writeln!(
        out,
        "a domain of {} events, once its dependencies are built (median of {}): {:.2} s with macros, {:.2} s by hand, {:+.2} s",
        options.events,
        options.rounds,
        annotated.as_secs_f64(),
        by_hand.as_secs_f64(),
        annotated.as_secs_f64() - by_hand.as_secs_f64()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Runs cargo, and tells how long it took.
fn timed(folder: &Path, arguments: &[&str], target: &Path) -> Result<Duration, Error> {
    let started = Instant::now();
    let status = cargo::cargo(folder)
        .args(arguments)
        .env("CARGO_TARGET_DIR", target)
        // Without this, what is compiled depends on what was compiled before.
        .env("CARGO_INCREMENTAL", "0")
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        Ok(started.elapsed())
    } else {
        Err(format!("cargo {} failed", arguments.join(" ")).into())
    }
}

/// A crate outside of the workspace that holds nothing but a domain.
struct Domain {
    folder: PathBuf,
    target: PathBuf,
}

impl Domain {
    fn write(folder: &Path, root: &Path, name: &str, source: &str) -> Result<Self, Error> {
        let domain = Self { folder: folder.join(name), target: folder.join("target") };
        fs::create_dir_all(domain.folder.join("src"))?;
        let core = root.join("cqrs-core");
        let manifest = format!(
            "[package]\nname = \"domain-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             cqrs-core = {{ path = '{}' }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n[workspace]\n",
            core.display()
        );
        fs::write(domain.folder.join("Cargo.toml"), manifest)?;
        fs::copy(root.join("Cargo.lock"), domain.folder.join("Cargo.lock"))?;
        fs::write(domain.folder.join("src/lib.rs"), source)?;
        Ok(domain)
    }

    fn compile(&self) -> Result<Duration, Error> {
        timed(&self.folder, &["build", "--quiet"], &self.target)
    }

    /// Makes cargo compile the domain again, and nothing else.
    fn touch(&self) -> Result<(), Error> {
        let source = self.folder.join("src/lib.rs");
        let text = fs::read_to_string(&source)?;
        Ok(fs::write(&source, text)?)
    }
}
