use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A running application, as others know it that share a read store with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Owner {
    /// Unique to each start of the application.
    pub id: Uuid,
    /// Where it runs, for people.
    pub host: String,
    /// Its process on that host.
    pub process: u32,
}

impl Owner {
    /// This application, from now on.
    pub(super) fn start() -> Self {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        Self { id: Uuid::now_v7(), host, process: std::process::id() }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)
    }
}
