//! Has other programs put a project into shape: rustfmt, and cargo.

use std::{
    io,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Formats Rust, as the `rustfmt.toml` in the folder says, with all modules of these files. An error says why it can't be.
pub(crate) fn rustfmt(folder: &Path, files: &[&str]) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("RUSTFMT").unwrap_or_else(|| "rustfmt".into()));
    command.args(["--edition", "2024"]).args(files).current_dir(folder);
    run(command, "rustfmt").map(drop)
}

/// Completes a `Cargo.lock` that is another workspace's, without asking anybody for newer versions. An error says why it can't be.
pub(crate) fn lock(folder: &Path) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["update", "--workspace", "--offline", "--quiet"]).current_dir(folder);
    run(command, "cargo").map(drop)
}

fn run(mut command: Command, name: &str) -> Result<Output, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{name} is not installed"),
        _ => format!("{name}: {error}"),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty());
    Err(format!("{name}: {}", first.unwrap_or("it failed, and says nothing")))
}
