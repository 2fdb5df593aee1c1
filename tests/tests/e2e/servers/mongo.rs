//! A MongoDB of a test's own, or what takes its place.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use mongodb::{
    Client,
    bson::doc,
    options::{ClientOptions, ServerAddress},
};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{folder, process::Process, variable};
use crate::{deadline::eventually, ports, runtime};

/// It is killed with its handle.
#[derive(Debug)]
pub(crate) struct Mongo {
    running: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Mongo {
    /// Starts one with nothing in it.
    pub(crate) fn start() -> Self {
        let folder = folder::temporary(None);
        folder::within(folder.path(), "data", None);
        let mut server = Self { running: None, port: ports::free(), folder };
        server.resume();
        server
    }

    /// Where it listens, also after it was killed and started again.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of a database in it.
    pub(crate) fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// The same through something that listens elsewhere.
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
        let options = ClientOptions::builder()
            .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".into(), port: Some(self.port) }])
            .direct_connection(true)
            .server_selection_timeout(Duration::from_millis(500))
            .build();
        let client =
            runtime::block_on(async { Client::with_options(options) }).expect("the options fit together");
        eventually("MongoDB answers", || {
            if let Some(status) = server.ended() {
                panic!("it ended with {status}:\n{}", server.last_words());
            }
            runtime::block_on(async { client.database("admin").run_command(doc! { "ping": 1 }).await }).ok()
        });
        self.running = Some(server);
    }

    fn launch(&self) -> Process {
        let program = variable::mongo_program();
        let mut command = Command::new(&program);
        command.args(["--port", &self.port.to_string()]);
        let data = self.folder.path().join("data");
        if program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("secantusd")) {
            // Without the last one, an empty store takes 128 MB.
            command.arg("--storage-path").arg(data).args(["--log-file-max", "8MB"]);
        } else {
            command.args(["--bind_ip", "127.0.0.1", "--dbpath"]).arg(data);
        }
        let log = Path::new(self.folder.path()).join("log");
        Process::start(command.current_dir(self.folder.path()), None, &log)
    }
}
