//! A temporary folder for each server, which doesn't outlive it for long.
//!
//! Whoever has to do with the folder (this program, the server's guard) holds a shared lock on a file in it. A folder that nobody
//! holds is what a run left that was killed together with its guard: the next run ends its server and removes it.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::{docker, leftover, random, work::last_lines};
use crate::Error;

const PREFIX: &str = "cqrs-xtask-";
const LOCK: &str = "lock";
/// Holds the process id of the server, or of the `docker` that waits for it.
const PROCESS: &str = "pid";
/// There where the server runs in a container, which has the folder's name.
const CONTAINER: &str = "container";
const LOG: &str = "log";

/// The folder of a server that this program has started; clears it when it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    held: File,
}

impl Folder {
    pub(super) fn create(server: &str) -> Result<Self, Error> {
        let path = env::temp_dir().join(format!("{PREFIX}{server}-{}", random::hex::<4>()?));
        // Open to the user that the server runs as, who finds in it only what is named to them.
        DirBuilder::new().mode(0o711).create(&path)?;
        // Locked before it has its name, or another run could find it without an owner.
        let unnamed = path.join("new");
        let held = File::create(&unnamed)?;
        held.lock_shared()?;
        fs::rename(unnamed, path.join(LOCK))?;
        Ok(Self { path, held })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// No other folder has this name, nor a container.
    pub(super) fn name(&self) -> String {
        name(&self.path)
    }

    /// A folder in it that is open to nobody else.
    pub(super) fn private(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }

    /// Where the server writes what it has to say.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    pub(super) fn last_words(&self) -> io::Result<String> {
        Ok(last_lines(&String::from_utf8_lossy(&fs::read(self.log())?)))
    }

    pub(super) fn note_container(&self) -> io::Result<()> {
        File::create(self.path.join(CONTAINER)).map(drop)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Where it fails there is nobody to tell; the next run tries again.
        let _ = clear(&self.path);
        let _ = self.held.unlock();
    }
}

/// The folder as the server's guard sees it.
#[derive(Debug)]
pub(super) struct Guarded {
    path: PathBuf,
    _held: File,
}

impl Guarded {
    pub(super) fn hold(path: &Path) -> io::Result<Self> {
        let held = File::open(path.join(LOCK))?;
        held.lock_shared()?;
        Ok(Self { path: path.to_owned(), _held: held })
    }

    pub(super) fn note_process(&self, id: u32) -> io::Result<()> {
        fs::write(self.path.join(PROCESS), id.to_string())
    }

    pub(super) fn clear(&self) -> Result<(), Error> {
        clear(&self.path)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Ends what still runs in a folder, and removes it.
fn clear(path: &Path) -> Result<(), Error> {
    if let Some(process) = fs::read_to_string(path.join(PROCESS)).ok().and_then(|text| text.parse().ok()) {
        leftover::end(process, &name(path))?;
    }
    if path.join(CONTAINER).exists() {
        docker::remove(&name(path))?;
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Clears what runs have left that were killed.
pub(super) fn sweep() -> Result<(), Error> {
    for entry in fs::read_dir(env::temp_dir())? {
        let path = entry?.path();
        if name(&path).starts_with(PREFIX) && is_left(&path) {
            clear(&path)?;
        }
    }
    Ok(())
}

/// Whether nobody holds a folder. Another user's can't be opened, and is theirs.
fn is_left(path: &Path) -> bool {
    File::options().read(true).write(true).open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        mem,
        os::unix::process::ExitStatusExt as _,
        process::{Command, Stdio},
        thread,
    };

    use super::*;

    #[test]
    fn a_folder_goes_with_its_owner() {
        let folder = Folder::create("test").expect("a folder");
        let path = folder.path().to_owned();
        fs::write(folder.private("data").expect("a folder in it").join("file"), "").expect("a file");
        assert!(!is_left(&path));
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_held_as_long_as_owner_or_guard_live() {
        let folder = Folder::create("test").expect("a folder");
        let guard = Guarded::hold(folder.path()).expect("the same folder");
        let path = kill(folder);
        assert!(!is_left(&path));
        drop(guard);
        assert!(is_left(&path));
        clear(&path).expect("it is cleared");
        assert!(!path.exists());
    }

    #[test]
    fn a_server_that_was_left_alone_ends_with_its_folder() {
        let folder = Folder::create("test").expect("a folder");
        let guard = Guarded::hold(folder.path()).expect("the same folder");
        // It is known by the folder's name in its command line.
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; read line"]).arg(folder.path());
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh starts");
        let (input, output) = (server.stdin.take(), server.stdout.take());
        let mut ready = String::new();
        // Before that, it may have no command line yet.
        BufReader::new(output.expect("it is piped")).read_line(&mut ready).expect("sh says so");
        guard.note_process(server.id()).expect("it is written down");
        drop(guard);
        let path = kill(folder);
        let reaper = thread::spawn(move || server.wait());
        clear(&path).expect("it is cleared");
        assert!(!path.exists());
        let status = reaper.join().expect("no panic").expect("it has ended");
        assert!(status.signal().is_some(), "{status}");
        drop(input);
    }

    /// What `kill -9` does: the lock is gone, and nothing is cleared.
    fn kill(folder: Folder) -> PathBuf {
        folder.held.unlock().expect("it is locked");
        let path = folder.path.clone();
        mem::forget(folder);
        path
    }
}
