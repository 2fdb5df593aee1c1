//! A server as a process.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use super::user::User;
use crate::deadline::eventually;

/// How much of a server's log is shown when a test has failed.
const LAST_WORDS: usize = 4_000;

/// It is killed with its handle.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it, as this user, and appends what it says to the file.
    pub(super) fn start(command: &mut Command, user: Option<User>, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log can be written");
        let errors = file.try_clone().expect("a file can be opened twice");
        if let Some(user) = user {
            user.run(command);
        }
        let child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self { child, log: log.into() }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Sends the signal, and waits for the end.
    pub(super) fn end(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid =
                i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
            kill_process(pid, signal).expect("a child that was not waited for can be signalled");
        }
        eventually("the server ends", || self.ended());
    }

    pub(super) fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LAST_WORDS)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // An error means that it has ended meanwhile.
            let _: std::io::Result<()> = self.child.kill();
            let _: std::io::Result<ExitStatus> = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the last words of {}\n{}---", self.log.display(), self.last_words());
        }
    }
}
