//! Events, views or both, on PostgreSQL. On one database they are apart by schema.

use std::time::Duration;

use super::{OpenError, name::Name};

/// As `compose.yaml` starts it.
const DEFAULT: &str = "postgres://postgres:orders@127.0.0.1:5432/orders";

#[cfg(all(feature = "postgres", feature = "write-store"))]
pub(super) const EVENTS: Name = Name::new("postgres://…", DEFAULT);
#[cfg(all(feature = "postgres", feature = "read-store"))]
pub(super) const VIEWS: Name = Name::new("postgres://…", DEFAULT);

/// Connects to events, and makes their schema where it is missing.
#[cfg(all(feature = "postgres", feature = "write-store"))]
pub(super) async fn events(
    option: &'static str,
    url: &str,
    timeout: Duration,
) -> Result<cqrs_postgres::PostgresEventStore, OpenError> {
    let connected = cqrs_postgres::PostgresEventStore::options().timeout(timeout).connect(url).await;
    connected.map_err(|source| OpenError::Server { option, server: "PostgreSQL", source })
}

/// Connects to views, and makes their schema where it is missing.
#[cfg(all(feature = "postgres", feature = "read-store"))]
pub(super) async fn views(
    option: &'static str,
    url: &str,
    timeout: Duration,
) -> Result<cqrs_postgres::PostgresViewStore, OpenError> {
    let connected = cqrs_postgres::PostgresViewStore::options().timeout(timeout).connect(url).await;
    connected.map_err(|source| OpenError::Server { option, server: "PostgreSQL", source })
}
