//! A project that was made for a test.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{readme, shell};

/// It goes with its handle; what was built of it stays for the next one.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) name: String,
    pub(crate) made: Value,
    pub(crate) started: Instant,
    /// What runs it: a line for each process.
    pub(crate) run: Vec<String>,
    /// What tests it.
    pub(crate) test: String,
}

impl Project {
    /// Makes one.
    pub(crate) fn new(name: &str, options: &[&str]) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let started = Instant::now();
        let arguments = [&["new", name, "--json"], options].concat();
        let said = shell::run(&mut shell::cqrs(&arguments, folder.path()));
        let made: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert_eq!(made["made"]["notes"], Value::Array(Vec::new()), "it is whole");
        let mut run = readme::commands(&folder.path().join(name));
        let test = run.pop().expect("there are two commands");
        Self { folder, name: name.to_owned(), made, started, run, test }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// A command of cargo in it.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = shell::command(shell::cargo(), &self.path());
        command.args(arguments);
        command
    }

    /// What one of the README's commands starts.
    pub(crate) fn command(&self, line: &str) -> Command {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[0], "cargo", "{line}");
        self.cargo(&words[1..])
    }

    /// There is nothing that rustfmt would write in another way.
    pub(crate) fn check_format(&self) {
        let mut format = self.cargo(&["fmt", "--check"]);
        for part in ["", "-domain", "-events", "-views"] {
            let folder = self.path().join(part.trim_start_matches('-'));
            if folder.is_dir() {
                format.arg("--package").arg(format!("{}{part}", self.name));
            }
        }
        shell::run(&mut format);
    }

    /// The program, once it is built.
    pub(crate) fn program(&self) -> PathBuf {
        shell::target().join("debug").join(&self.name)
    }

    /// The text of a file in it.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
