use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use cqrs_core::store::Error;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Database, Doing, Pace, Transaction, lock, off_thread};

/// Connections that read, a few at once; the writer does not block them.
#[derive(Debug)]
pub(crate) struct Readers {
    database: Arc<Database>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    paces: [Pace; 2],
}

/// Kinds of reads that take about the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    /// A few rows by their keys.
    Point,
    /// As many rows as are asked for.
    Page,
}

impl Readers {
    pub(crate) fn new(database: Arc<Database>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(database.settings.readers));
        Arc::new(Self { database, idle: Mutex::default(), permits, paces: Default::default() })
    }

    /// Reads, all as of one moment.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        lane: Lane,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let readers = Arc::clone(self);
        let read = move || {
            readers.pace(lane).time(|| {
                let reader = readers.take(permit).doing(doing)?;
                let transaction = Transaction::read(&reader).doing(doing)?;
                let found = work(&reader)?;
                transaction.commit().doing(doing)?;
                Ok(found)
            })
        };
        if self.pace(lane).is_quick() { read() } else { off_thread(doing, read).await? }
    }

    fn pace(&self, lane: Lane) -> &Pace {
        &self.paces[lane as usize]
    }

    fn take(&self, permit: OwnedSemaphorePermit) -> rusqlite::Result<Reader<'_>> {
        let idle = lock(&self.idle).pop();
        let connection = idle.map_or_else(|| self.database.reader(), Ok)?;
        Ok(Reader { connection: Some(connection), readers: self, _permit: permit })
    }
}

/// A connection that goes back when it is no longer needed, unless something is wrong with it.
struct Reader<'a> {
    connection: Option<Connection>,
    readers: &'a Readers,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take_if(|connection| connection.is_autocommit()) {
            lock(&self.readers.idle).push(connection);
        }
    }
}
