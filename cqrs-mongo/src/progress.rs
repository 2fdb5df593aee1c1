use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use cqrs_core::store::{Checkpoint, Error, ProjectionId};
use mongodb::bson::{RawDocumentBuf, doc};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use crate::{
    known::Known,
    names::{self, CHECKPOINTS},
    server::Server,
};

/// How long a database that is away is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells of new checkpoints: of this program's own at once, of other processes' by asking in short intervals, as long
/// as somebody wants to know. One question is for all projections.
pub(crate) struct Progress {
    server: Server,
    interval: Duration,
    runtime: Handle,
    watched: Mutex<Watched>,
    /// There is a new watcher.
    asked: Notify,
}

#[derive(Default)]
struct Watched {
    projections: HashMap<ProjectionId, News>,
    asking: bool,
}

#[derive(Default)]
struct News {
    sender: watch::Sender<Option<Checkpoint>>,
    /// How often this program has told of a batch of its own: what was asked for before the last one is out of date.
    told: u64,
}

impl News {
    fn tell(&mut self, checkpoint: Option<Checkpoint>) {
        self.told += 1;
        send(&self.sender, checkpoint);
    }
}

impl Progress {
    /// To be called within the runtime in which the asking is to be done.
    pub(crate) fn new(server: Server, interval: Duration) -> Arc<Self> {
        let (watched, asked) = (Mutex::default(), Notify::new());
        Arc::new(Self { server, interval, runtime: Handle::current(), watched, asked })
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(self: &Arc<Self>, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let mut watched = self.watched();
        let receiver = watched.projections.entry(projection.clone()).or_default().sender.subscribe();
        if watched.asking {
            self.asked.notify_one();
        } else {
            watched.asking = true;
            self.runtime.spawn(ask(Arc::downgrade(self)));
        }
        receiver
    }

    /// A batch of this program is written.
    pub(crate) fn tell(&self, projection: &ProjectionId, checkpoint: Checkpoint) {
        if let Some(news) = self.watched().projections.get_mut(projection) {
            news.tell(Some(checkpoint));
        }
    }

    /// This program has removed a build, with its partitions, or a partition.
    pub(crate) fn tell_removal(&self, removed: &ProjectionId) {
        for (id, news) in &mut self.watched().projections {
            if id == removed || id.whole() == *removed {
                news.tell(None);
            }
        }
    }

    /// What is to be asked for; nothing, and the asking ends, where nobody wants to know.
    fn wanted(&self) -> HashMap<String, (ProjectionId, u64)> {
        let mut watched = self.watched();
        watched.projections.retain(|_, news| news.sender.receiver_count() > 0);
        watched.asking = !watched.projections.is_empty();
        let wanted = watched.projections.iter();
        wanted.map(|(id, news)| (names::checkpoint(id), (id.clone(), news.told))).collect()
    }

    async fn look(&self, wanted: HashMap<String, (ProjectionId, u64)>) -> Result<(), Error> {
        let checkpoints = self.server.read(CHECKPOINTS);
        let names: Vec<&String> = wanted.keys().collect();
        let filter = doc! { "_id": { "$in": names } };
        let work = async move {
            let mut found: Vec<RawDocumentBuf> = Vec::new();
            let mut cursor = checkpoints.find(filter).await?;
            while cursor.advance().await? {
                found.push(cursor.current().to_owned());
            }
            Ok(found)
        };
        let mut found = HashMap::new();
        for document in self.server.call("watches checkpoints", work).await? {
            let name = document.get_str("_id").map_err(crate::document::Wrong::from)?;
            found.insert(name.to_owned(), Known::read(&document)?.checkpoint);
        }
        let watched = self.watched();
        for (name, (id, told)) in wanted {
            if let Some(news) = watched.projections.get(&id).filter(|news| news.told == told) {
                send(&news.sender, found.get(&name).copied().flatten());
            }
        }
        Ok(())
    }
}

async fn ask(progress: Weak<Progress>) {
    let mut failing = false;
    loop {
        let Some(progress) = progress.upgrade() else { return };
        let wanted = progress.wanted();
        if wanted.is_empty() {
            return;
        }
        match progress.look(wanted).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the checkpoints of other processes can't be watched");
                }
                failing = true;
            }
        }
        let pause = if failing { PAUSE.max(progress.interval) } else { progress.interval };
        let _woken_or_time: Result<(), _> = tokio::time::timeout(pause, progress.asked.notified()).await;
    }
}

fn send(sender: &watch::Sender<Option<Checkpoint>>, checkpoint: Option<Checkpoint>) {
    sender.send_if_modified(|known| std::mem::replace(known, checkpoint) != checkpoint);
}
