//! The limits of PostgreSQL as an event store, each on its least table.

mod append;
mod command;
mod connect;
mod group;
pub(crate) mod lag;
mod load;
mod read;
mod views;

pub(crate) use command::{Raw, RawKind};
pub(crate) use connect::{Connection, connect};
pub(crate) use read::read;
pub(crate) use views::write;

use crate::Failure;

/// A log with a key, one index, and a position without holes where the writer takes care of it.
const TABLE: &str = include_str!("log.sql");

/// Makes the tables of the limits in an empty database.
pub(crate) async fn prepare(url: &str) -> Result<(), Failure> {
    connect(url).await?.batch_execute(TABLE).await?;
    Ok(())
}

/// A URL by which a notification tells nobody: a function of the same name comes before the server's own.
pub(crate) async fn without_notifications(url: &str) -> Result<String, Failure> {
    connect(url).await?.batch_execute(include_str!("silence.sql")).await?;
    let separator = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{separator}options=-c%20search_path%3Dsilence,pg_catalog"))
}

/// Checks what a limit has written: as many events as were acknowledged, and each stream's versions from 1 on, without
/// holes.
pub(crate) async fn verify(url: &str, acknowledged: u64) -> Result<(), Failure> {
    let connection = connect(url).await?;
    let row = connection.query_one("SELECT count(*) FROM events", &[]).await?;
    let count: i64 = row.get(0);
    let broken = connection.query_one(include_str!("broken_streams.sql"), &[]).await?;
    let broken: i64 = broken.get(0);
    if u64::try_from(count)? != acknowledged || broken > 0 {
        return Err(format!(
            "the limit has written {count} events where {acknowledged} were acknowledged, and {broken} streams have \
             holes"
        )
        .into());
    }
    Ok(())
}
