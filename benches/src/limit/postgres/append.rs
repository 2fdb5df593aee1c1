//! Appending what waits in one statement, which is one transaction: one counter, one `INSERT` from arrays.

use super::{connect::Connection, group::Answer};
use crate::{Failure, limit::METADATA};

/// An event to append.
pub(super) struct Row {
    pub(super) stream: String,
    pub(super) version: i64,
    pub(super) data: String,
}

/// Whether the version was free.
pub(super) struct Appender {
    lanes: Vec<Connection>,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Fails where a version is not free.
    Plain,
    /// The same, with a notification.
    Told,
    /// Looks first which versions are free.
    Checked,
}

impl Appender {
    pub(super) const fn new(lanes: Vec<Connection>, how: How) -> Self {
        Self { lanes, how }
    }
}

impl Answer for Appender {
    type Question = Row;
    type Answer = bool;

    async fn answer(&self, lane: usize, rows: Vec<Row>) -> Result<Vec<bool>, Failure> {
        let connection = &self.lanes[lane];
        let streams: Vec<&str> = rows.iter().map(|row| row.stream.as_str()).collect();
        let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
        let data: Vec<&str> = rows.iter().map(|row| row.data.as_str()).collect();
        let metadata = vec![METADATA; rows.len()];
        if self.how == How::Checked {
            let added = connection
                .query(&connection.append_checked, &[&streams, &versions, &data, &metadata])
                .await?;
            let mut free = vec![false; rows.len()];
            for row in added {
                let at: i64 = row.get(0);
                free[usize::try_from(at - 1)?] = true;
            }
            return Ok(free);
        }
        let count = i64::try_from(rows.len())?;
        let append = if self.how == How::Told { &connection.append_told } else { &connection.append };
        connection.execute(append, &[&count, &streams, &versions, &data, &metadata]).await?;
        Ok(vec![true; rows.len()])
    }
}
