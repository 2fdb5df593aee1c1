//! Events on PostgreSQL.

mod conformance {
    mod event_store {
        use crate::server::in_a_fresh_schema;

        cqrs_testkit::event_store_suite!(in_a_fresh_schema(
            |schema| async move { schema.connect_events().await }
        ));
    }

    mod snapshot_store {
        use crate::server::in_a_fresh_schema;

        cqrs_testkit::snapshot_store_suite!(in_a_fresh_schema(|schema| async move {
            schema.connect_events().await
        }));
    }
}
