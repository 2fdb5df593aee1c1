//! Starts cargo and finds other programs.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Error;

/// What `cargo run` tells the program that it starts. Handed on to another cargo, it would rebuild each crate
/// whose build script watches one of these.
const OWN_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// The cargo that runs this program, as a person at a shell would start it.
pub(crate) fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| OWN_PACKAGE.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// What a command prints; its complaints become the error.
pub(crate) fn read(mut command: Command) -> Result<String, Error> {
    let name = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} could not be started: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name} ended with {}\n{}", output.status, complaint.trim_end()).into())
    }
}

/// Whether `cargo <subcommand>` is installed.
pub(crate) fn has_subcommand(subcommand: &str, directory: &Path) -> bool {
    let mut command = cargo(directory);
    command.args([subcommand, "--version"]);
    read(command).is_ok()
}

/// The first of these programs that stands in one of the folders of `PATH`.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}
