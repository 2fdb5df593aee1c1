use std::sync::Arc;

use cqrs_core::{
    envelope::Position,
    store::{BoxFuture, Error},
};
use tokio::sync::watch;

use super::reader::Reader;
use crate::database::{Database, Watched};

/// The head of the log, as far as is known here.
#[derive(Clone, Debug)]
pub(super) struct Head {
    reader: Arc<Reader>,
    known: watch::Sender<Position>,
}

impl Head {
    pub(super) fn new(reader: Arc<Reader>, known: Position) -> Self {
        Self { reader, known: watch::Sender::new(known) }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.known.subscribe()
    }

    /// Tells those who watch, where it is news.
    pub(super) fn tell(&self, head: Position) {
        self.known.send_if_modified(|known| {
            let news = *known < head;
            *known = head.max(*known);
            news
        });
    }
}

impl Watched for Head {
    fn is_watched(&self) -> bool {
        self.known.receiver_count() > 0
    }

    fn told(&self, payload: &str) {
        // What is no position is a foreign hand's; the next look tells how it is.
        if let Ok(head) = payload.parse() {
            self.tell(Position::new(head));
        }
    }

    fn refresh<'a>(&'a self, _: &'a Database) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tell(self.reader.head().await?);
            Ok(())
        })
    }
}
