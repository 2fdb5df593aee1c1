use std::{path::Path, time::Duration};

use cqrs_core::store::Error;

use super::SqliteViewStore;
use crate::file::{Settings, Synchronous};

/// How an [`SqliteViewStore`] works; begun with [`SqliteViewStore::options`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `open`"]
pub struct ViewStoreOptions {
    pub(super) settings: Settings,
    pub(super) document_bytes: usize,
}

impl Default for ViewStoreOptions {
    fn default() -> Self {
        Self { settings: Settings::new(Synchronous::Normal), document_bytes: 16 << 20 }
    }
}

impl ViewStoreOptions {
    /// What a batch waits for; [`Synchronous::Normal`] by default: the loss of power may take the newest batches with
    /// it, each whole with its checkpoint, and they are applied again.
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.settings.synchronous = synchronous;
        self
    }

    /// How long to wait while another process writes; 5 seconds by default. Beyond it, a call fails with
    /// [`Error::Unavailable`], and may be repeated.
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy_timeout = timeout;
        self
    }

    /// How many reads run at the same time, each on a connection of its own; the number of processors by default,
    /// but at most 4. At least 1.
    pub const fn readers(mut self, readers: usize) -> Self {
        self.settings.readers = if readers == 0 { 1 } else { readers };
        self
    }

    /// How often to look for the batches of other processes, while somebody [watches]; 10 milliseconds by default.
    ///
    /// [watches]: cqrs_core::store::ViewStore::watch
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// The longest document, in bytes; 16 MiB by default.
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.document_bytes = bytes;
        self
    }

    /// Opens the views in this file, which is created where there is none, as is its folder.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a path that can't be used, and a file that holds no views; [`Error::NewerFormat`] for
    /// one that a newer version of this crate has written; [`Error::Unavailable`] where another process keeps the
    /// file locked.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteViewStore, Error> {
        SqliteViewStore::open_with(self, path.as_ref().to_owned()).await
    }
}
