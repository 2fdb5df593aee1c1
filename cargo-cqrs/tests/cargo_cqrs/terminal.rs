use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder, and the program in it.
pub(crate) struct Terminal {
    folder: TempDir,
    here: PathBuf,
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let here = folder.path().to_owned();
        Self { folder, here }
    }

    pub(crate) fn go(&mut self, path: &str) {
        self.here = self.folder.path().join(path);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.here
    }

    /// The program, as cargo starts it, in a pipe.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-cqrs"));
        command
            .arg("cqrs")
            .args(line.split_whitespace())
            .env("CARGO_NET_OFFLINE", "true")
            .current_dir(&self.here)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn type_in(&self, line: &str) -> Said {
        Said::of(&mut self.command(line))
    }

    /// Everything that is there, with what is in it.
    pub(crate) fn files(&self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        gather(&self.here, &mut files);
        files.sort();
        files
    }
}

fn gather(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            files.push((path, "a link".to_owned()));
        } else if path.is_dir() {
            gather(&path, files);
            files.push((path, String::new()));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// The one object on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.stdout.lines().count(), self.stderr.as_str()), (1, ""), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// It failed with this code, and said this on stderr alone.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        // A line that is too long is broken somewhere.
        let whole = self.stderr.replace('\n', " ");
        for word in words {
            assert!(self.stderr.contains(word) || whole.contains(word), "{word:?} in {}", self.stderr);
        }
    }
}

/// No line is wider than a small terminal.
#[track_caller]
pub(crate) fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}
