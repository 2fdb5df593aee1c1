//! The PostgreSQL server that all contenders share: one that is given, or one that is started for the run.

mod account;
mod binaries;
mod databases;
mod start;

use std::path::PathBuf;

use peers_harness::Failure;
use url::Url;

pub(crate) use databases::{Database, Databases};
use start::Started;

pub(crate) struct Server {
    pub(crate) databases: Databases,
    started: Option<Started>,
}

impl Server {
    /// Uses the server at `url`, or starts one in a temporary folder.
    pub(crate) async fn open(url: Option<Url>) -> Result<Self, Failure> {
        let started = match url {
            Some(_) => None,
            None => Some(Started::new().await?),
        };
        let url = match (&started, url) {
            (Some(started), _) => started.url.clone(),
            (None, Some(url)) => url,
            (None, None) => return Err("there is no server".into()),
        };
        Ok(Self { databases: Databases::connect(url).await?, started })
    }

    /// A folder on the disk that the server writes to, where that is known.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.started.as_ref().map(Started::folder)
    }

    /// Whether it was started for this run.
    pub(crate) fn is_own(&self) -> bool {
        self.started.is_some()
    }
}
