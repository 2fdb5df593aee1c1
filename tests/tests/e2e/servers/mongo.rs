//! A MongoDB of a test's own, or what takes its place.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc},
    options::{ClientOptions, ServerAddress},
};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{folder, process::Process, variable};
use crate::{deadline::eventually, ports, runtime};

/// The name of the replica set.
const SET: &str = "rs0";

/// What a server takes itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// It has no transactions.
    Standalone,
    /// The only member of one; it has transactions.
    ReplicaSet,
}

/// It is killed with its handle.
#[derive(Debug)]
pub(crate) struct Mongo {
    topology: Topology,
    running: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Mongo {
    /// Starts one with nothing in it.
    pub(crate) fn start(topology: Topology) -> Self {
        let folder = folder::temporary(None);
        folder::within(folder.path(), "data", None);
        let mut server = Self { topology, running: None, port: ports::free(), folder };
        server.resume();
        if topology == Topology::ReplicaSet && !Self::is_stand_in() {
            server.initiate();
        }
        server
    }

    /// Where it listens, also after it was killed and started again.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of a database in it, through something that may listen elsewhere.
    pub(crate) fn url_at(address: SocketAddr) -> String {
        // A server that takes itself for a part of a replica set would send the driver to where it listens itself.
        format!("mongodb://{address}/orders?directConnection=true")
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.running.take().expect("it runs").end(Signal::KILL);
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn resume(&mut self) {
        let mut server = self.launch();
        eventually("MongoDB answers", || {
            if let Some(status) = server.ended() {
                panic!("it ended with {status}:\n{}", server.last_words());
            }
            self.run(doc! { "ping": 1 }).ok()
        });
        self.running = Some(server);
    }

    fn launch(&self) -> Process {
        let mut command = Command::new(variable::mongo_program());
        command.args(["--port", &self.port.to_string()]);
        let data = self.folder.path().join("data");
        if Self::is_stand_in() {
            // Without the first one, it acknowledges what a kill loses; without the last one, an empty store takes 128 MB.
            command.arg("--sync-on-commit").arg("--storage-path").arg(data).args(["--log-file-max", "8MB"]);
            if self.topology == Topology::Standalone {
                command.arg("--standalone");
            }
        } else {
            command.args(["--bind_ip", "127.0.0.1", "--dbpath"]).arg(data);
            if self.topology == Topology::ReplicaSet {
                command.args(["--replSet", SET]);
            }
        }
        let log = Path::new(self.folder.path()).join("log");
        Process::start(command.current_dir(self.folder.path()), None, &log)
    }

    /// `SecantusDB`, which takes itself for a replica set unless told otherwise.
    fn is_stand_in() -> bool {
        let program = variable::mongo_program();
        program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("secantusd"))
    }

    /// Makes a replica set of it.
    fn initiate(&self) {
        let members = doc! { "_id": SET, "members": [{ "_id": 0, "host": self.address().to_string() }] };
        self.run(doc! { "replSetInitiate": members }).expect("it is no member of another one");
        eventually("it is the primary", || {
            self.run(doc! { "hello": 1 }).ok()?.get_bool("isWritablePrimary").ok().filter(|primary| *primary)
        });
    }

    fn run(&self, command: Document) -> mongodb::error::Result<Document> {
        let options = ClientOptions::builder()
            .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".into(), port: Some(self.port) }])
            .direct_connection(true)
            .server_selection_timeout(Duration::from_millis(500))
            .build();
        runtime::block_on(async {
            Client::with_options(options)?.database("admin").run_command(command).await
        })
    }
}
