//! MongoDB in a container, as a replica set of one.

use std::time::Duration;

use super::mongod::{REPLICA_SET, initiate};
use crate::{
    Error,
    servers::{
        docker,
        folder::Folder,
        launch::Launch,
        server::{Kind, Server},
        version::Version,
        work::Work,
    },
};

const IMAGE: &str = "mongo:7";
/// The image may have to be fetched first.
const START: Duration = Duration::from_mins(15);

pub(super) fn start(work: &Work) -> Result<Option<Server>, Error> {
    if !docker::answers(work) {
        return Ok(None);
    }
    work.say(format!("{IMAGE} by Docker"));
    let folder = Folder::create("mongo")?;
    folder.note_container()?;
    let name = folder.name();
    let server = |port: u16| {
        // The same port inside: the server must find itself at the address by which clients know it.
        let mut command = docker::run(&name, port, port);
        command.args([IMAGE, "--bind_ip_all", "--oplogSize", "256", "--replSet", REPLICA_SET]);
        command.args(["--port", &port.to_string()]);
        command
    };
    let is_ready = |port: u16| {
        let initiated = docker::exec(
            &name,
            &["mongosh", "--quiet", "--port", &port.to_string(), "--eval", &initiate(port)],
            work,
        );
        Ok(initiated.is_ok())
    };
    let (guard, port) = Launch { folder: &folder, user: None, limit: START }.start(work, server, is_ready)?;
    let output = docker::exec(&name, &["mongod", "--version"], work)?;
    let version = Version::behind("db version v", &output)
        .map_or_else(|| IMAGE.to_owned(), |version| version.to_string());
    let description = format!("MongoDB {version}, a replica set of one (Docker, port {port})");
    let url = format!("mongodb://127.0.0.1:{port}/");
    Ok(Some(
        Server::own(Kind::Mongo, url, description, guard, folder)
            .note("MongoDB runs in a container: the tests of faults need mongod here (--without faults)"),
    ))
}
