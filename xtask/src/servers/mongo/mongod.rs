//! Starts an installed `mongod`, as a replica set of one where it can be told to be one.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    Error, cargo,
    servers::{
        folder::Folder,
        launch::{self, Launch},
        server::{Kind, Server},
        version::Version,
        work::Work,
    },
};

/// The oldest that the store supports.
const OLDEST: u32 = 5;
const ANSWER: Duration = Duration::from_secs(20);
const START: Duration = Duration::from_mins(1);
pub(super) const REPLICA_SET: &str = "cqrs";

/// Besides `PATH`: Homebrew does not link the versions that are not the newest.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/mongodb/bin"];

#[derive(Debug)]
pub(super) struct Mongod {
    pub(super) program: PathBuf,
    version: Version,
}

pub(super) fn start(work: &Work) -> Result<Option<Server>, Error> {
    find(work)?.map(|mongod| run(&mongod, work)).transpose()
}

/// The one that is installed; an error where it is too old, or does not run on this machine.
pub(super) fn find(work: &Work) -> Result<Option<Mongod>, Error> {
    let elsewhere =
        || FOLDERS.iter().map(|folder| Path::new(folder).join("mongod")).find(|file| file.is_file());
    cargo::find_program(&["mongod"]).or_else(elsewhere).map(|program| ask(&program, work)).transpose()
}

pub(super) fn ask(program: &Path, work: &Work) -> Result<Mongod, Error> {
    let mut command = Command::new(program);
    command.arg("--version");
    let output = work.run(command, ANSWER)?;
    let version = Version::behind("db version v", &output)
        .ok_or_else(|| format!("{} has no version: {}", program.display(), output.trim()))?;
    if version.major() < OLDEST {
        return Err(format!("{} is MongoDB {version}, older than {OLDEST}", program.display()).into());
    }
    Ok(Mongod { program: program.to_owned(), version })
}

pub(super) fn run(mongod: &Mongod, work: &Work) -> Result<Server, Error> {
    let Mongod { program, version } = mongod;
    work.say(format!("MongoDB {version}: start"));
    // Only a client can make a replica set of a server, and transactions need one.
    let shell = cargo::find_program(&["mongosh"]);
    let folder = Folder::create("mongo")?;
    let data = folder.private("data")?;
    let server = |port: u16| {
        let mut command = Command::new(program);
        command.args(["--bind_ip", "127.0.0.1", "--port", &port.to_string(), "--nounixsocket"]);
        command.args(["--wiredTigerCacheSizeGB", "0.5", "--dbpath"]).arg(&data);
        if shell.is_some() {
            command.args(["--oplogSize", "256", "--replSet", REPLICA_SET]);
        }
        command
    };
    let is_ready = |port| match &shell {
        Some(shell) if launch::listens(port) => {
            let mut command = Command::new(shell);
            command.args(["--quiet", "--port", &port.to_string(), "--eval", &initiate(port)]);
            work.run(command, ANSWER).map(|_| true)
        }
        _ => Ok(launch::listens(port)),
    };
    let (guard, port) = Launch { folder: &folder, user: None, limit: START }.start(work, server, is_ready)?;
    let what = if shell.is_some() { "a replica set of one" } else { "standalone" };
    let description = format!("MongoDB {version}, {what} ({}, port {port})", program.display());
    let url = format!("mongodb://127.0.0.1:{port}/");
    let server = Server::own(Kind::Mongo, url, description, guard, folder).with_program(program);
    Ok(if shell.is_some() {
        server
    } else {
        server.note(
            "MongoDB runs standalone, without transactions: install mongosh, and it becomes a replica set",
        )
    })
}

/// Makes a replica set of the one server that can be reached at a port, and waits until it takes writes.
pub(super) fn initiate(port: u16) -> String {
    format!(
        "if (!db.hello().setName) rs.initiate({{_id: '{REPLICA_SET}', members: [{{_id: 0, host: '127.0.0.1:{port}'}}]}}); \
         while (!db.hello().isWritablePrimary) sleep(50)"
    )
}
