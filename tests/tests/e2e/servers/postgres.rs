//! A PostgreSQL of a test's own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{folder, process::Process, template, user::User, variable};
use crate::{deadline::eventually, ports};

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// As by `pg_ctl stop -m fast`: transactions are rolled back, and all is written down.
    Fast,
    /// As by `pg_ctl stop -m immediate`: it recovers when it starts.
    Immediate,
    /// By `kill -9`.
    Kill,
}

/// It is stopped with its handle.
#[derive(Debug)]
pub(crate) struct Postgres {
    running: Option<Process>,
    port: u16,
    password: String,
    folder: TempDir,
}

/// What a server held at a time.
#[derive(Debug)]
pub(crate) struct Backup(PathBuf);

impl Postgres {
    /// Starts one with nothing in it.
    pub(crate) fn start() -> Self {
        let user = User::unprivileged();
        let folder = folder::temporary(user);
        let password = template::instantiate(&folder.path().join("data"), user);
        folder::within(folder.path(), "run", user);
        let mut server = Self { running: None, port: ports::free(), password, folder };
        server.resume();
        server
    }

    /// Where it listens, also after it was stopped and started again.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of its database, for its superuser.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The same through something that listens elsewhere.
    pub(crate) fn url_at(&self, address: SocketAddr) -> String {
        format!("postgres://postgres:{}@{address}/postgres", self.password)
    }

    /// Stops it, and waits until it is gone.
    pub(crate) fn stop(&mut self, shutdown: Shutdown) {
        let signal = match shutdown {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
            Shutdown::Kill => Signal::KILL,
        };
        self.running.take().expect("it runs").end(signal);
    }

    /// Starts it again, and waits until it takes connections.
    pub(crate) fn resume(&mut self) {
        let mut server = self.launch();
        eventually("PostgreSQL is ready", || {
            if let Some(status) = server.ended() {
                let last_words = server.last_words();
                // After a `kill -9` of the first process, the others of the same server need a moment to find out.
                assert!(last_words.contains("is still in use"), "it ended with {status}:\n{last_words}");
                server = self.launch();
            }
            self.is_ready(server.id()).then_some(())
        });
        self.running = Some(server);
    }

    /// Copies what it holds; it must be stopped.
    pub(crate) fn back_up(&self, name: &str) -> Backup {
        assert!(self.running.is_none(), "a server's files can't be copied while it runs");
        let to = self.folder.path().join(name);
        folder::copy(&self.data(), &to, User::unprivileged()).expect("a folder can be copied");
        Backup(to)
    }

    /// Puts it back to what it held; it must be stopped.
    pub(crate) fn restore(&self, backup: &Backup) {
        assert!(self.running.is_none(), "a server's files can't be put back while it runs");
        fs::remove_dir_all(self.data()).expect("a folder of one's own can be removed");
        folder::copy(&backup.0, &self.data(), User::unprivileged()).expect("a folder can be copied");
    }

    /// Starts another server that follows this one, and answers queries.
    pub(crate) fn standby(&mut self) -> Self {
        let user = User::unprivileged();
        let folder = folder::temporary(user);
        folder::within(folder.path(), "run", user);
        self.stop(Shutdown::Fast);
        let mut standby =
            Self { running: None, port: ports::free(), password: self.password.clone(), folder };
        folder::copy(&self.data(), &standby.data(), user).expect("a folder can be copied");
        let (signal, settings) =
            (standby.data().join("standby.signal"), standby.data().join("postgresql.auto.conf"));
        let primary = format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=postgres password={}'\n",
            self.port, self.password
        );
        for (path, text) in [(signal, ""), (settings, primary.as_str())] {
            fs::write(&path, text).expect("a file can be written");
            folder::own(&path, user).expect("a file can be given away");
        }
        self.resume();
        standby.resume();
        standby
    }

    fn launch(&self) -> Process {
        let mut command = Command::new(variable::postgres_programs().join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]).arg(self.path("run"));
        for setting in ["listen_addresses=127.0.0.1", "max_connections=200"] {
            command.args(["-c", setting]);
        }
        // These would go before what the command line says, or beside it.
        for variable in ["PGDATA", "PGPORT", "PGHOST", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        Process::start(command.current_dir(self.folder.path()), User::unprivileged(), &self.path("log"))
    }

    /// As `pg_ctl` finds it out: a server that still reads its log takes connections, too, but only to refuse them.
    fn is_ready(&self, process: u32) -> bool {
        let status = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = status.lines();
        lines.next().is_some_and(|id| id == process.to_string())
            && lines.nth(6).is_some_and(|state| matches!(state.trim(), "ready" | "standby"))
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its first process alone would leave the others behind for a while.
        if let Some(mut server) = self.running.take()
            && !std::thread::panicking()
        {
            server.end(Signal::QUIT);
        }
    }
}
