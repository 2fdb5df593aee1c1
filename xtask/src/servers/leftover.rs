//! Processes that a killed run left behind.

use std::io;

use crate::{
    Error,
    signal::{self, Whom},
};

/// Ends a process, where its command line still has the mark: its number may be another's by now.
pub(super) fn end(process: u32, mark: &str) -> io::Result<()> {
    signal::end(Whom::One(process), || Ok(!is_marked(process, mark)))
}

fn is_marked(process: u32, mark: &str) -> bool {
    command_line(process).is_ok_and(|line| line.contains(mark))
}

#[cfg(target_os = "linux")]
fn command_line(process: u32) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&std::fs::read(format!("/proc/{process}/cmdline"))?).into_owned())
}

#[cfg(not(target_os = "linux"))]
fn command_line(process: u32) -> Result<String, Error> {
    let mut command = std::process::Command::new("ps");
    command.args(["-o", "args=", "-p"]).arg(process.to_string());
    crate::cargo::read(command)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_without_the_mark_is_left_alone() {
        let mut command = Command::new("sh");
        let mut other =
            command.args(["-c", "read line", "one"]).stdin(Stdio::piped()).spawn().expect("sh starts");
        end(other.id(), "another").expect("there is nothing to end");
        assert!(other.try_wait().expect("it is a child").is_none());
        drop(other.stdin.take());
        other.wait().expect("it ends with its input");
    }
}
