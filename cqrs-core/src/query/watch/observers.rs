use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, watch};

use super::{observer, sighting::Sighting};
use crate::{
    query::{Current, Progress},
    store::{Error, ProjectionId, StoredDocument},
};

/// Who looks for changes: one task for each projection of a read store, for as long as somebody watches.
#[derive(Default)]
pub(crate) struct Observers {
    running: Mutex<Vec<Arc<Observed>>>,
}

/// What one task looks at.
pub(super) struct Observed {
    pub(super) store: Arc<Current>,
    pub(super) projection: ProjectionId,
    watched: Mutex<Watched>,
    /// Nobody watches any more.
    pub(super) abandoned: Notify,
}

#[derive(Default)]
struct Watched {
    keys: HashMap<String, watch::Sender<News>>,
    /// The task is gone, or about to go: whoever comes now needs another one.
    ended: bool,
}

/// The newest about one document.
#[derive(Clone, Debug, Default)]
pub(super) enum News {
    /// Nothing yet.
    #[default]
    None,
    /// The document was seen.
    Seen(Arc<Sighting>),
    /// The read store can't be asked.
    Away(Arc<Error>),
}

impl Observers {
    /// Joins those who watch a document. What changes from now on is told.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        store: &Arc<Current>,
        projection: &ProjectionId,
        key: &str,
    ) -> Subscription {
        let mut running = lock(&self.running);
        let of_this = |it: &&Arc<Observed>| Arc::ptr_eq(&it.store, store) && it.projection == *projection;
        let joined =
            running.iter().filter(of_this).find_map(|it| it.join(key).map(|news| (Arc::clone(it), news)));
        let (observed, news) = joined.unwrap_or_else(|| {
            let (observed, news) = Observed::new(store, projection, key);
            running.push(Arc::clone(&observed));
            tokio::spawn(observer::observe(Ending {
                observers: Arc::clone(self),
                observed: Arc::clone(&observed),
            }));
            (observed, news)
        });
        Subscription { observed, key: key.to_owned(), news: Some(news) }
    }
}

impl Observed {
    fn new(store: &Arc<Current>, projection: &ProjectionId, key: &str) -> (Arc<Self>, watch::Receiver<News>) {
        let (sender, news) = watch::channel(News::None);
        let watched = Watched { keys: HashMap::from([(key.to_owned(), sender)]), ended: false };
        let observed = Self {
            store: Arc::clone(store),
            projection: projection.clone(),
            watched: Mutex::new(watched),
            abandoned: Notify::new(),
        };
        (Arc::new(observed), news)
    }

    fn join(&self, key: &str) -> Option<watch::Receiver<News>> {
        let mut watched = lock(&self.watched);
        if watched.ended {
            return None;
        }
        Some(match watched.keys.get(key) {
            Some(sender) => sender.subscribe(),
            None => watched.keys.entry(key.to_owned()).or_default().subscribe(),
        })
    }

    fn leave(&self, key: &str, news: watch::Receiver<News>) {
        let mut watched = lock(&self.watched);
        // Under the lock, so that of the last two just one finds itself the last.
        drop(news);
        if watched.keys.get(key).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.keys.remove(key);
        }
        if watched.keys.is_empty() {
            watched.ended = true;
            self.abandoned.notify_one();
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        lock(&self.watched).ended
    }

    /// All that is watched now.
    pub(super) fn keys(&self) -> Vec<String> {
        lock(&self.watched).keys.keys().cloned().collect()
    }

    /// Hands on what changed of these keys, which were read when the projection was as far.
    pub(super) fn tell(&self, progress: &Progress, keys: &[String], documents: Vec<StoredDocument>) {
        let mut documents: HashMap<String, StoredDocument> =
            documents.into_iter().map(|document| (document.key.clone(), document)).collect();
        let watched = lock(&self.watched);
        for key in keys {
            let Some(sender) = watched.keys.get(key) else { continue };
            let now = Sighting::new(progress.build.clone(), progress.of(key), documents.remove(key));
            sender.send_if_modified(|news| {
                let is_news = match news {
                    News::Seen(before) => now.follows(before),
                    News::None | News::Away(_) => true,
                };
                if is_news {
                    *news = News::Seen(Arc::new(now));
                }
                is_news
            });
        }
    }

    /// Tells all that the read store can't be asked, unless they know.
    pub(super) fn tell_away(&self, error: Error) {
        let error = Arc::new(error);
        for sender in lock(&self.watched).keys.values() {
            sender.send_if_modified(|news| {
                let is_news = !matches!(news, News::Away(_));
                if is_news {
                    *news = News::Away(Arc::clone(&error));
                }
                is_news
            });
        }
    }
}

/// One who watches a document.
pub(super) struct Subscription {
    observed: Arc<Observed>,
    key: String,
    /// Taken when it is dropped.
    news: Option<watch::Receiver<News>>,
}

impl Subscription {
    /// The next news; `None` where the task that looks for them has come to a bad end.
    pub(super) async fn next(&mut self) -> Option<News> {
        let news = self.news.as_mut()?;
        news.changed().await.ok()?;
        Some(news.borrow_and_update().clone())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(news) = self.news.take() {
            self.observed.leave(&self.key, news);
        }
    }
}

/// Held by the task: however it ends, those who still watch learn it, and the next one starts another.
pub(super) struct Ending {
    observers: Arc<Observers>,
    pub(super) observed: Arc<Observed>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        {
            let mut watched = lock(&self.observed.watched);
            watched.ended = true;
            watched.keys.clear();
        }
        lock(&self.observers.running).retain(|it| !Arc::ptr_eq(it, &self.observed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = lock(&self.running);
        f.debug_list().entries(running.iter().map(|it| &it.projection)).finish()
    }
}
