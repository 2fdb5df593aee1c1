//! Reading a log from its first event to its last.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::connect::connect;
use crate::{Failure, domain::LineAdded};

/// One page is read while the other one is parsed.
const IN_FLIGHT: usize = 2;

const PAGE: &str =
    "SELECT stream_id, data::text FROM cqrs.events WHERE position > $1 AND position <= $2 ORDER BY position";

/// Reads the framework's own table, so many events at once: of each the stream, and its data, parsed.
pub(crate) async fn read(url: &str, backlog: u64, page: u64) -> Result<Duration, Failure> {
    let connection = connect(url).await?;
    let select = connection.prepare(PAGE).await?;
    let pages = (0..i64::try_from(backlog)?).step_by(usize::try_from(page)?);
    let page = i64::try_from(page)?;

    let started = Instant::now();
    let count = stream::iter(pages)
        .map(async |after| -> Result<usize, Failure> {
            let rows = connection.query(&select, &[&after, &(after + page)]).await?;
            let lines = rows
                .iter()
                .map(|row| Ok((row.get(0), serde_json::from_str(row.get(1))?)))
                .collect::<Result<Vec<(String, LineAdded)>, Failure>>()?;
            Ok(lines.len())
        })
        .buffered(IN_FLIGHT)
        .try_fold(0, async |count, lines| Ok(count + lines))
        .await?;
    let took = started.elapsed();
    if u64::try_from(count)? == backlog {
        Ok(took)
    } else {
        Err(format!("{count} of {backlog} events were read").into())
    }
}
