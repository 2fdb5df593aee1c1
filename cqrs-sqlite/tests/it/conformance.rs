//! What every store promises.

use std::sync::Arc;

use cqrs_sqlite::SqliteEventStore;
use tempfile::TempDir;

mod event_store {
    use super::*;

    cqrs_testkit::event_store_suite!(fresh_log());
}

mod snapshot_store {
    use super::*;

    cqrs_testkit::snapshot_store_suite!(fresh_log());
}

/// A file of its own, which lives as long as what opens it.
fn fresh_log() -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = SqliteEventStore> + Send>> {
    let folder = Arc::new(TempDir::new().unwrap());
    move || {
        let path = folder.path().join("log.db");
        Box::pin(async move { SqliteEventStore::open(path).await.unwrap() })
    }
}
