//! `PostgreSQL` in a container.

use std::time::Duration;

use crate::{
    Error,
    servers::{
        docker,
        folder::Folder,
        launch::Launch,
        random,
        server::{Kind, Server},
        work::Work,
    },
};

const IMAGE: &str = "postgres:17";
/// The image may have to be fetched first.
const START: Duration = Duration::from_mins(15);

pub(super) fn start(work: &Work) -> Result<Option<Server>, Error> {
    if !docker::answers(work) {
        return Ok(None);
    }
    work.say(format!("{IMAGE} by Docker"));
    let folder = Folder::create("postgres")?;
    folder.note_container()?;
    let name = folder.name();
    let password = random::hex::<16>()?;
    let server = |port| {
        let mut command = docker::run(&name, port, 5432);
        // Named only: its value is in no command line.
        command.args([
            "--env",
            "POSTGRES_PASSWORD",
            IMAGE,
            "-c",
            "max_connections=300",
            "-c",
            "log_min_messages=log",
        ]);
        command.env("POSTGRES_PASSWORD", &password);
        command
    };
    // Over TCP: while the image prepares its data, a server listens on a socket only.
    let is_ready = |_| {
        Ok(docker::exec(&name, &["pg_isready", "--host", "127.0.0.1", "--username", "postgres"], work)
            .is_ok())
    };
    let (guard, port) = Launch { folder: &folder, user: None, limit: START }.start(work, server, is_ready)?;
    let version = docker::exec(&name, &["postgres", "--version"], work)?;
    let version = version.trim().trim_start_matches("postgres (PostgreSQL) ");
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    let description = format!("PostgreSQL {version} (Docker, port {port})");
    Ok(Some(Server::own(Kind::Postgres, url, description, guard, folder).note(
        "PostgreSQL runs in a container: the tests of faults need its programs here (--without faults)",
    )))
}
