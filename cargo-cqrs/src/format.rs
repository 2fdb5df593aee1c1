//! Has other programs put a project into shape: rustfmt, and cargo.

use std::{
    io::{self, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
};

/// Formats Rust, as the `rustfmt.toml` in the folder says, with all modules of these files. An error says why it can't be.
pub(crate) fn rustfmt(folder: &Path, files: &[&str]) -> Result<(), String> {
    let mut command = formatter(folder);
    command.args(files);
    run(command, "", "rustfmt").map(drop)
}

/// Formats one text, as the `rustfmt.toml` in the folder says.
pub(crate) fn text(folder: &Path, text: &str) -> Result<String, String> {
    let output = run(formatter(folder), text, "rustfmt")?;
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn formatter(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("RUSTFMT").unwrap_or_else(|| "rustfmt".into()));
    command.args(["--edition", "2024"]).current_dir(folder);
    command
}

/// Completes a `Cargo.lock` that is another workspace's, without asking anybody for newer versions. An error says why it can't be.
pub(crate) fn lock(folder: &Path) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["update", "--workspace", "--offline", "--quiet"]).current_dir(folder);
    run(command, "", "cargo").map(drop)
}

fn run(mut command: Command, input: &str, name: &str) -> Result<Output, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{name} is not installed"),
        _ => format!("{name}: {error}"),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It is read to its end before anything is answered. Whoever does not read it says why, below.
        let _: io::Result<()> = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty());
    Err(format!("{name}: {}", first.unwrap_or("it failed, and says nothing")))
}
