//! What every event store promises.

use crate::server::{in_a_fresh_schema, url};

mod event_store {
    use super::*;

    cqrs_testkit::event_store_suite!(in_a_fresh_schema(|schema| async move {
        schema.events().connect(&url()).await.unwrap()
    }));
}

mod snapshot_store {
    use super::*;

    cqrs_testkit::snapshot_store_suite!(in_a_fresh_schema(|schema| async move {
        schema.events().connect(&url()).await.unwrap()
    }));
}
