//! A process that stands between this program and a server: it stops the server when this program ends, however it ends.
//!
//! The guard waits for the end of its standard input, whose other end only this program holds: it is closed on purpose, or by the
//! system after a panic, a second ctrl-c or a `kill -9`. In a process group of its own, guard and server don't hear ctrl-c.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use clap::Args;

use super::{
    folder::{Folder, Guarded},
    user::User,
};
use crate::{
    Error,
    signal::{self, Whom},
};

const TICK: Duration = Duration::from_millis(50);

/// Runs a server until standard input ends
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's folder; removed in the end
    #[arg(long)]
    folder: PathBuf,
    /// Whom the server runs as, if not as the guard: user and group
    #[arg(long, num_args = 2)]
    user: Vec<u32>,
    /// The server, and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// `cargo xtask guard`: the guard itself.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Error> {
    let folder = Guarded::hold(&options.folder)?;
    let mut server = start(options)?;
    let watched = watch(&mut server, &folder);
    // Whatever happened to the guard: no server outlives it.
    signal::end(Whom::One(server.id()), || Ok(server.try_wait()?.is_some()))?;
    if let Some(status) = watched? {
        // It ended by itself. Whoever waits for it wants to read its log.
        return Err(format!("the server ended with {status}").into());
    }
    folder.clear()?;
    Ok(ExitCode::SUCCESS)
}

fn start(options: &Options) -> Result<Child, Error> {
    let (program, arguments) = options.command.split_first().ok_or("no server is named")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&options.folder).stdin(Stdio::null());
    if let [id, group] = options.user[..] {
        (User { id, group }).run(&mut command);
    }
    command
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", Path::new(program).display()).into())
}

/// Returns with the server's end, or `None` when there is nobody any more who wants it.
fn watch(server: &mut Child, folder: &Guarded) -> io::Result<Option<ExitStatus>> {
    folder.note_process(server.id())?;
    let owner = owner();
    loop {
        match owner.recv_timeout(TICK) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = server.try_wait()? {
            return Ok(Some(status));
        }
    }
}

/// Hears when standard input ends.
fn owner() -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).is_ok_and(|read| read > 0) {}
        drop(sender);
    });
    receiver
}

/// A server under guard; stops when it is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
}

impl Guard {
    /// Starts a server, as another user where one is named. The command's program, arguments and environment count.
    pub(super) fn start(folder: &Folder, server: &Command, user: Option<User>) -> Result<Self, Error> {
        let log = File::create(folder.log())?;
        let mut command = Command::new(this_program()?);
        command.arg("guard").arg("--folder").arg(folder.path());
        if let Some(User { id, group }) = user {
            command.args(["--user", &id.to_string(), &group.to_string()]);
        }
        command.arg("--").arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        Ok(Self { process: command.spawn()? })
    }

    /// Whether the server, and with it the guard, has ended by itself.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Its input ends here; the wait fails only for a guard that somebody else has waited for.
        let _ = self.process.wait();
    }
}

/// This program, also after cargo has put another one in its place.
fn this_program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    let itself = Path::new("/proc/self/exe");
    Ok(if !path.exists() && itself.exists() { itself.to_owned() } else { path })
}
