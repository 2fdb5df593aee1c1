//! The in-memory stores keep every rule.

use std::future::ready;

use cqrs_core::memory::{MemoryEventStore, MemoryViewStore};

mod event_store {
    use super::*;

    cqrs_testkit::event_store_suite!({
        let data = MemoryEventStore::new();
        move || ready(data.clone())
    });
}

mod snapshot_store {
    use super::*;

    cqrs_testkit::snapshot_store_suite!({
        let data = MemoryEventStore::new();
        move || ready(data.clone())
    });
}

mod view_store {
    use super::*;

    cqrs_testkit::view_store_suite!({
        let data = MemoryViewStore::new();
        move || ready(data.clone())
    });
}
