//! What every read store promises.

use crate::server::in_a_fresh_schema;

cqrs_testkit::view_store_suite!(in_a_fresh_schema(|schema| async move { schema.connect_views().await }));

/// Where neither settings nor statements outlive a transaction.
mod as_behind_a_pooler {
    use crate::server::{in_a_fresh_schema, url};

    cqrs_testkit::view_store_suite!(in_a_fresh_schema(|schema| async move {
        schema.views().pgbouncer(true).connect(&url()).await.unwrap()
    }));
}
