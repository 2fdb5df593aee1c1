//! What every store promises.

use std::{future::Future, path::PathBuf, sync::Arc};

use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use tempfile::TempDir;

mod event_store {
    use super::*;

    cqrs_testkit::event_store_suite!(in_a_fresh_file(|path| async {
        SqliteEventStore::open(path).await.unwrap()
    }));
}

mod snapshot_store {
    use super::*;

    cqrs_testkit::snapshot_store_suite!(in_a_fresh_file(|path| async {
        SqliteEventStore::open(path).await.unwrap()
    }));
}

mod view_store {
    use super::*;

    cqrs_testkit::view_store_suite!(in_a_fresh_file(|path| async {
        SqliteViewStore::open(path).await.unwrap()
    }));
}

/// The file lives as long as what opens it.
fn in_a_fresh_file<T: Future>(open: impl Fn(PathBuf) -> T) -> impl Fn() -> T {
    let folder = Arc::new(TempDir::new().unwrap());
    move || open(folder.path().join("store.db"))
}
