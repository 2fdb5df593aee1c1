//! Views on PostgreSQL.

mod conformance {
    use crate::server::in_a_fresh_schema;

    cqrs_testkit::view_store_suite!(in_a_fresh_schema(|schema| async move { schema.connect_views().await }));
}
