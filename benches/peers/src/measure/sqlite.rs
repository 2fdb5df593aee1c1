use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use peers_harness::{Failure, OnSqlite, SqliteRun};
use tokio::process::Command;

use super::{Figures, Plans};
use crate::progress::Progress;

/// What the contenders on SQLite reached, with medians over the rounds.
#[derive(Clone, Debug)]
pub(crate) struct OnFile {
    /// The version of SQLite.
    pub(crate) sqlite: String,
    /// Names, and figures for each number of tasks.
    pub(crate) reached: Vec<(String, Vec<Figures>)>,
}

/// The program that measures SQLite. It is linked with another SQLite than the peers on PostgreSQL ask for.
pub(crate) struct SqliteProgram {
    manifest: PathBuf,
}

impl SqliteProgram {
    /// Builds it.
    pub(crate) async fn build(progress: &Progress) -> Result<Self, Failure> {
        progress.step("SQLite: building its program");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("sqlite/Cargo.toml");
        let program = Self { manifest };
        let status = program.cargo("build").status().await?;
        if !status.success() {
            return Err(format!("the build of the program that measures SQLite ended with {status}").into());
        }
        Ok(program)
    }

    /// Runs it.
    pub(crate) async fn measure(&self, plans: Plans, progress: &Progress) -> Result<OnFile, Failure> {
        progress.step("SQLite");
        let output = self
            .cargo("run")
            .arg("--")
            .args(["--rounds", &plans.rounds.to_string()])
            .args(["--warm-up-ms", &plans.warm_up.as_millis().to_string()])
            .args(["--time-ms", &plans.time.as_millis().to_string()])
            .output()
            .await?;
        if !output.status.success() {
            return Err(format!("the program that measures SQLite ended with {}", output.status).into());
        }
        let SqliteRun { sqlite, contenders } = serde_json::from_slice(&output.stdout)?;
        let reached = contenders
            .into_iter()
            .map(|OnSqlite { name, at }| (name, at.iter().map(|rounds| Figures::of(rounds)).collect()));
        Ok(OnFile { sqlite, reached: reached.collect() })
    }

    fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args([subcommand, "--quiet", "--release", "--manifest-path"]).arg(&self.manifest);
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        command
    }
}
