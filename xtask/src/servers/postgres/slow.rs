//! A `PostgreSQL` as [`local`] starts it, whose disk takes a millisecond more to confirm a write.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{binaries, local};
use crate::{
    Error,
    interrupt::Interrupt,
    servers::{folder::Folder, server::Server, work::Work},
};

const DELAY: Duration = Duration::from_millis(1);
const COMPILE: Duration = Duration::from_mins(1);

/// Starts one that has the library of this source preloaded. The error says why there can't be one.
pub(crate) fn start(source: &Path, interrupt: &Interrupt) -> Result<Server, Error> {
    if !cfg!(target_os = "linux") {
        return Err("a library is preloaded into PostgreSQL on Linux only".into());
    }
    let work = Work::new(interrupt);
    let binaries = binaries::chosen(&work)?
        .or_else(|| binaries::find(&work))
        .ok_or("no PostgreSQL is installed here; one elsewhere can't be given a slow disk")?;
    local::start_with(&binaries, &work, |folder| {
        let library = compile(source, folder, &work)?;
        Ok(vec![
            ("LD_PRELOAD", library.into()),
            ("CQRS_FSYNC_DELAY_US", DELAY.as_micros().to_string().into()),
        ])
    })
}

fn compile(source: &Path, folder: &Folder, work: &Work) -> Result<PathBuf, Error> {
    let library = folder.path().join("fsync_delay.so");
    let compiler = env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let mut command = Command::new(compiler);
    command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).arg("-ldl");
    work.run(command, COMPILE)?;
    Ok(library)
}
