//! Views on MongoDB.

use std::time::Duration;

use super::{
    OpenError,
    name::{self, EVENTS, Name},
};

const SERVER: &str = "MongoDB";

/// The default is as `compose.yaml` starts it.
#[cfg(feature = "read-store")]
pub(super) const VIEWS: Name =
    Name::new("mongodb://…/DATABASE", "mongodb://127.0.0.1:27017/orders?directConnection=true");

/// Connects to views, and makes their indexes where they are missing.
#[cfg(feature = "read-store")]
pub(super) async fn views(
    option: &'static str,
    url: &str,
    timeout: Duration,
) -> Result<cqrs_mongo::MongoViewStore, OpenError> {
    let half = timeout / 2;
    let options = cqrs_mongo::MongoViewStore::options()
        .timeout(timeout)
        .server_selection_timeout(half)
        .connect_timeout(half);
    options.connect(url).await.map_err(|source| OpenError::Server { option, server: SERVER, source })
}

/// Events are not kept there.
pub(super) fn views_only(option: &'static str) -> OpenError {
    OpenError::ViewsOnly { option, server: SERVER, forms: name::forms(EVENTS) }
}
