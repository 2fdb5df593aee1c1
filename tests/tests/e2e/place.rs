//! Where the stores of a test are, and how to start services on them.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{binary, service::Service};

/// Less than the default, for the sake of tests in which databases don't answer.
const STORE_TIMEOUT: &str = "5";

/// A folder of a test's own, its stores, and how to start services on them.
#[derive(Debug)]
pub(crate) struct Place {
    stores: Names,
    /// For roles that reach them in another way.
    routes: BTreeMap<&'static str, Names>,
    _kept: Vec<Box<dyn Debug + Send + Sync>>,
    folder: TempDir,
}

/// The stores, as a service is told of them.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) write: String,
    pub(crate) read: String,
}

impl Place {
    /// With files of SQLite.
    pub(crate) fn of_files() -> Self {
        let folder = folder();
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        Self { stores: Names::new(file("write.db"), file("read.db")), ..Self::in_folder(folder) }
    }

    /// With these stores, and with what has to be there for as long as the place is.
    pub(crate) fn on(stores: Names, kept: Vec<Box<dyn Debug + Send + Sync>>) -> Self {
        Self { stores, _kept: kept, ..Self::in_folder(folder()) }
    }

    fn in_folder(folder: TempDir) -> Self {
        Self { stores: Names::new("memory:", "memory:"), routes: BTreeMap::new(), _kept: Vec::new(), folder }
    }

    /// Services in the role reach the stores by these names; the test itself goes the direct way.
    pub(crate) fn route(&mut self, role: &'static str, names: Names) {
        self.routes.insert(role, names);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// SQLite's file of the events.
    pub(crate) fn write_file(&self) -> PathBuf {
        self.folder().join("write.db")
    }

    /// SQLite's file of the views.
    pub(crate) fn read_file(&self) -> PathBuf {
        self.folder().join("read.db")
    }

    /// The name of the write store.
    pub(crate) fn write_store(&self) -> &str {
        &self.stores.write
    }

    /// The name of the read store.
    pub(crate) fn read_store(&self) -> &str {
        &self.stores.read
    }

    /// Starts a service in the role, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(&self, role: &str) -> Service {
        self.launch(role).listening()
    }

    /// Starts a service in the role where another one was before it.
    #[track_caller]
    pub(crate) fn start_at(&self, role: &str, address: &str) -> Service {
        self.launch_at(role, address).listening()
    }

    /// Starts a service in the role.
    pub(crate) fn launch(&self, role: &str) -> Service {
        self.launch_at(role, "127.0.0.1:0")
    }

    fn launch_at(&self, role: &str, address: &str) -> Service {
        let Names { write, read } = self.routes.get(role).unwrap_or(&self.stores);
        let arguments = ["--listen", address, "--role", role, "--write", write, "--read", read];
        self.run(&[&arguments[..], &["--store-timeout", STORE_TIMEOUT]].concat(), &[])
    }

    /// Starts the program with just these arguments and variables, in the folder.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Service {
        let mut command = Command::new(binary::order_service());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORDER_SERVICE_") {
                command.env_remove(name);
            }
        }
        command
            .env("RUST_LOG", "warn")
            .envs(variables.iter().copied())
            .args(arguments)
            .current_dir(self.folder());
        Service::spawn(command)
    }

    /// The files in the folder, without those that belong to another one.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder())
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned())
            .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
            .collect();
        names.sort();
        names
    }
}

impl Names {
    pub(crate) fn new(write: impl Into<String>, read: impl Into<String>) -> Self {
        Self { write: write.into(), read: read.into() }
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("the system has a folder for temporary files")
}
