//! What every store promises.

use cqrs_postgres::PostgresEventStore;

use crate::server::{Place, few, url};

mod event_store {
    use super::*;

    cqrs_testkit::event_store_suite!(in_a_fresh_schema());
}

mod snapshot_store {
    use super::*;

    cqrs_testkit::snapshot_store_suite!(in_a_fresh_schema());
}

/// The schema lives as long as what opens stores in it.
fn in_a_fresh_schema() -> impl Fn() -> futures::Opening {
    let place = std::sync::Arc::new(Place::new());
    move || {
        let place = std::sync::Arc::clone(&place);
        Box::pin(async move { few(place.options()).connect(url()).await.unwrap() })
    }
}

mod futures {
    use std::{future::Future, pin::Pin};

    pub(super) type Opening = Pin<Box<dyn Future<Output = super::PostgresEventStore> + Send>>;
}
