//! Loading the streams that are waited for in one query.

use std::collections::HashMap;

use super::{connect::Connection, group::Answer};
use crate::{Failure, domain::Tally};

/// Loads all streams that are asked for at the same time.
pub(super) struct Loader {
    lanes: Vec<Connection>,
}

impl Loader {
    pub(super) const fn new(lanes: Vec<Connection>) -> Self {
        Self { lanes }
    }
}

impl Answer for Loader {
    type Question = String;
    type Answer = Tally;

    async fn answer(&self, lane: usize, streams: Vec<String>) -> Result<Vec<Tally>, Failure> {
        let connection = &self.lanes[lane];
        if let [stream] = streams.as_slice() {
            return Ok(vec![connection.tally(stream).await?]);
        }
        let rows = connection.query(&connection.load_joined, &[&streams]).await?;
        let mut tallies: HashMap<&str, Tally> = HashMap::new();
        for row in &rows {
            tallies.entry(row.get(0)).or_default().add(&serde_json::from_str(row.get(1))?);
        }
        Ok(streams.iter().map(|stream| tallies.get(stream.as_str()).copied().unwrap_or_default()).collect())
    }
}
