//! Servers in containers, where an engine answers.

use std::{process::Command, time::Duration};

use super::work::Work;
use crate::{Error, cargo};

const ANSWER: Duration = Duration::from_secs(20);

fn docker() -> Command {
    Command::new("docker")
}

/// Whether there is an engine; the program alone is none.
pub(super) fn answers(work: &Work) -> bool {
    let mut command = docker();
    command.args(["info", "--format", "{{.ServerVersion}}"]);
    cargo::find_program(&["docker"]).is_some() && work.run(command, ANSWER).is_ok()
}

/// A container that is removed when it ends, with one port of the loopback address; without image and arguments yet.
pub(super) fn run(name: &str, port: u16, inside: u16) -> Command {
    let mut command = docker();
    command.args(["run", "--rm", "--name", name, "--publish"]).arg(format!("127.0.0.1:{port}:{inside}"));
    command
}

/// Runs a program in a container, and returns what it prints.
pub(super) fn exec(name: &str, program: &[&str], work: &Work) -> Result<String, Error> {
    let mut command = docker();
    command.args(["exec", name]).args(program);
    work.run(command, ANSWER)
}

/// Removes a container, if there is one of that name.
pub(super) fn remove(name: &str) -> Result<(), Error> {
    let mut command = docker();
    command.args(["rm", "--force", name]);
    cargo::read(command).map(drop)
}
