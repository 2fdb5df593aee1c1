use std::str::FromStr as _;

use peers_harness::Failure;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// No contender has more connections than this; with more, a server with few cores gets slower.
pub(crate) const MOST: usize = 32;

/// A pool for a peer: a connection for each task, all connected from the start, and without a ping before each use,
/// which would cost a round trip.
pub(super) async fn pool(place: &str, tasks: usize) -> Result<PgPool, Failure> {
    let connections = u32::try_from(tasks.clamp(1, MOST))?;
    Ok(PgPoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .test_before_acquire(false)
        .connect_with(PgConnectOptions::from_str(place)?)
        .await?)
}
