//! Over files of SQLite.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cqrs_core::store::{EventStore, ViewStore};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use cqrs_testkit::conformance::Stores;
use tempfile::TempDir;

use crate::check::{Time, event_store_bites, view_store_bites};

/// Files in a folder that goes with the test.
struct Folder {
    folder: TempDir,
    files: Arc<AtomicUsize>,
}

impl Folder {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), files: Arc::default() }
    }

    fn files(&self) -> impl Fn() -> PathBuf + Send + Sync + 'static {
        let (folder, files) = (self.folder.path().to_owned(), Arc::clone(&self.files));
        move || folder.join(format!("{}.db", files.fetch_add(1, Ordering::SeqCst)))
    }

    fn events(&self) -> Stores<dyn EventStore> {
        let file = self.files();
        Stores::<dyn EventStore>::new(move || {
            let path = file();
            move || {
                let path = path.clone();
                async { SqliteEventStore::open(path).await.unwrap() }
            }
        })
    }

    fn views(&self) -> Stores<dyn ViewStore> {
        let file = self.files();
        Stores::<dyn ViewStore>::new(move || {
            let path = file();
            move || {
                let path = path.clone();
                async { SqliteViewStore::open(path).await.unwrap() }
            }
        })
    }
}

event_store_bites!(Time::Real, Folder::new());
view_store_bites!(Time::Real, Folder::new());
