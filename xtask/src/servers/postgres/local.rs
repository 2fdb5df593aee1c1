//! Starts an installed `PostgreSQL` on data of its own.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::Command,
    time::Duration,
};

use super::binaries::Binaries;
use crate::{
    Error,
    servers::{
        folder::Folder,
        launch::Launch,
        random,
        server::{Kind, Server},
        user::User,
        work::Work,
    },
};

const INITDB: Duration = Duration::from_mins(2);
const START: Duration = Duration::from_mins(1);

/// From this version on, `initdb` knows ICU.
const ICU_SINCE: u32 = 15;
const NO_ICU: &str = "ICU is not supported";

/// `fsync` stays on, as everywhere: what tests learn of a server that was stopped by force would not be true without it.
const SETTINGS: [&str; 4] =
    ["listen_addresses=127.0.0.1", "max_connections=300", "log_destination=stderr", "log_min_messages=log"];

pub(super) fn start(binaries: &Binaries, work: &Work) -> Result<Server, Error> {
    start_with(binaries, work, |_| Ok(Vec::new()))
}

/// The same, with an environment that is made in the server's folder.
pub(super) fn start_with(
    binaries: &Binaries,
    work: &Work,
    environment: impl FnOnce(&Folder) -> Result<Vec<(&'static str, OsString)>, Error>,
) -> Result<Server, Error> {
    work.say(format!("PostgreSQL {}: initdb", binaries.version));
    let user = User::unprivileged()?;
    let folder = Folder::create("postgres")?;
    let [data, sockets] = [folder.private("data")?, folder.private("run")?];
    for path in [&data, &sockets] {
        user.map_or(Ok(()), |user| user.own(path))?;
    }
    let environment = environment(&folder)?;
    let password = random::hex::<16>()?;
    initdb(binaries, &folder, &data, &password, user, work)?;

    work.say(format!("PostgreSQL {}: start", binaries.version));
    let server = |port: u16| {
        let mut command = binaries.program("postgres");
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&sockets);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // These would go before what the command line says, or beside it.
        for variable in ["PGDATA", "PGPORT", "PGHOST", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command
    };
    let launch = Launch { folder: &folder, user, limit: START };
    let (guard, port) = launch.start(work, server, |_| is_ready(&data))?;
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    let description = format!("PostgreSQL {} ({}, port {port})", binaries.version, binaries.folder.display());
    Ok(Server::own(Kind::Postgres, url, description, guard, folder).with_program(&binaries.folder))
}

fn initdb(
    binaries: &Binaries,
    folder: &Folder,
    data: &Path,
    password: &str,
    user: Option<User>,
    work: &Work,
) -> Result<(), Error> {
    let file = folder.path().join("password");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)?
        .write_all(password.as_bytes())?;
    user.map_or(Ok(()), |user| user.own(&file))?;
    let plain = || {
        let mut command = binaries.program("initdb");
        command.current_dir(folder.path()).arg("-D").arg(data).arg("--pwfile").arg(&file).args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            // The server itself syncs; this is about a power cut before it runs.
            "--no-sync",
        ]);
        if let Some(user) = user {
            user.run(&mut command);
        }
        command
    };
    // Text in another order than that of its bytes: where a store relies on bytes, it has to say so.
    let with_icu = |mut command: Command| {
        command.args(["--locale-provider=icu", "--icu-locale=und"]);
        command
    };
    let done = if binaries.version.major() < ICU_SINCE {
        work.run(plain(), INITDB)
    } else {
        match work.run(with_icu(plain()), INITDB) {
            Err(error) if error.to_string().contains(NO_ICU) => work.run(plain(), INITDB),
            done => done,
        }
    };
    fs::remove_file(&file)?;
    done.map(drop)
}

/// As `pg_ctl` finds it out: a server that still reads its log takes connections, too, but only to refuse them.
fn is_ready(data: &Path) -> Result<bool, Error> {
    match fs::read_to_string(data.join("postmaster.pid")) {
        Ok(status) => Ok(status.lines().nth(7).is_some_and(|line| line.trim() == "ready")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
