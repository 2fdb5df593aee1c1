//! Reading a log from its first event to its last.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::{Failure, domain::LineAdded, places::Location};

const PAGE: &str =
    "SELECT stream_id, data FROM events WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// Reads the framework's own table, so many events at once: of each the stream, and its data, parsed.
pub(crate) async fn read(location: &Location, backlog: u64, page: u64) -> Result<Duration, Failure> {
    let Location::Sqlite(folder) = location else { return Err("the limit of SQLite is SQLite's".into()) };
    let file = folder.join(Location::LOG);
    tokio::task::spawn_blocking(move || {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let (started, mut count) = (Instant::now(), 0);
        for after in (0..backlog).step_by(usize::try_from(page)?) {
            let mut rows = connection.prepare_cached(PAGE)?;
            let mut rows = rows.query([i64::try_from(after)?, i64::try_from(after + page)?])?;
            let mut lines: Vec<(String, LineAdded)> = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push((row.get(0)?, serde_json::from_str(row.get_ref(1)?.as_str()?)?));
            }
            count += u64::try_from(lines.len())?;
        }
        let took = started.elapsed();
        if count == backlog { Ok(took) } else { Err(format!("{count} of {backlog} events were read").into()) }
    })
    .await?
}
