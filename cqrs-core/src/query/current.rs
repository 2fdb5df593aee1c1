use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::{
    answering::{Answering, checkpoint_of, choose},
    progress::{News, Progress},
};
use crate::{
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DataFormat, DeadLetter, Error,
        Find, Partition, ProjectionId, ProjectionSpec, Read, Sequence, Standing, StoredDocument, ViewStore,
    },
};

/// A view store as queries see it: whoever asks for a projection is answered from the build of it that is current.
///
/// That is the newest one of the version that is asked for, or, until that has caught up for the first time, of an older
/// version. Each answer brings what its build is for, and into how many partitions it is divided, so a switch is noticed
/// by the first answer after it; until then, it costs nothing. Answers never go back behind what was answered before.
///
/// Of a build that is divided, one document is as fresh as its partition, and all of them as the one that is least far. Whoever
/// asks for a checkpoint, or watches, names a partition of the finest division where one document counts.
pub(crate) struct Current {
    store: Arc<dyn ViewStore>,
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn ViewStore>,
    known: Mutex<HashMap<ProjectionId, Known>>,
}

struct Known {
    answering: Answering,
    /// How far the newest answer was.
    answered: Position,
    /// Tells of the progress of whatever build is current.
    news: Option<watch::Sender<Option<Checkpoint>>>,
}

impl Known {
    const fn new(build: ProjectionId) -> Self {
        Self { answering: Answering::whole(build), answered: Position::ZERO, news: None }
    }
}

impl Current {
    pub(crate) fn of(store: Arc<dyn ViewStore>) -> Arc<Self> {
        let shared = Arc::new(Shared { store: Arc::clone(&store), known: Mutex::default() });
        Arc::new(Self { store, shared })
    }

    fn answering(&self, projection: &ProjectionId) -> Answering {
        self.shared.answering(projection)
    }

    async fn look(&self, projection: &ProjectionId) -> Result<Answering, Error> {
        self.shared.look(projection).await
    }

    /// What to ask instead, where the one that has answered is not current.
    async fn instead(
        &self,
        projection: &ProjectionId,
        answering: &Answering,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Option<Answering>, Error> {
        if answering.is_current(projection, checkpoint) {
            return Ok(None);
        }
        let current = self.look(projection).await?;
        Ok((current != *answering).then_some(current))
    }

    /// Asks until what answers is current.
    fn ask<'a, T: Send + 'a>(
        &'a self,
        projection: &'a ProjectionId,
        ask: impl Fn(Answering) -> BoxFuture<'a, Result<Read<T>, Error>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Read<T>, Error>> {
        Box::pin(async move {
            let mut answering = self.answering(projection);
            loop {
                let Read { value, checkpoint } = ask(answering.clone()).await?;
                match self.instead(projection, &answering, checkpoint.as_ref()).await? {
                    Some(other) => answering = other,
                    None => {
                        let checkpoint = self.shared.answered(projection, &answering, checkpoint);
                        return Ok(Read { value, checkpoint });
                    }
                }
            }
        })
    }

    /// Tells of what answers by now.
    pub(crate) fn news(&self, projection: &ProjectionId) -> News {
        News::of(&*self.store, self.answering(projection))
    }

    /// Whether it still is what answers.
    pub(crate) fn is_told_of(&self, projection: &ProjectionId, news: &News) -> bool {
        news.are_of(&self.answering(projection))
    }

    /// Documents of this build, whichever answers by now.
    pub(crate) async fn load_from(
        &self,
        build: &ProjectionId,
        keys: &[String],
    ) -> Result<Vec<StoredDocument>, Error> {
        self.store.load(build, keys).await
    }

    /// Documents of the build that answers by now, and which one that is.
    pub(crate) async fn load_current(
        &self,
        projection: &ProjectionId,
        keys: &[String],
    ) -> Result<(ProjectionId, Vec<StoredDocument>), Error> {
        let build = self.answering(projection).build;
        let documents = self.store.load(&build, keys).await?;
        Ok((build, documents))
    }

    /// Something that is as far as this was answered.
    pub(crate) fn answered(&self, projection: &ProjectionId, position: Position) {
        if let Some(known) = self.shared.known().get_mut(&projection.whole()) {
            known.answered = known.answered.max(position);
        }
    }

    /// How far what answers queries of a projection is, and each of its partitions.
    pub(crate) async fn progress(&self, projection: &ProjectionId) -> Result<Progress, Error> {
        let read = self.ask(projection, move |answering| {
            Box::pin(async move {
                let Answering { build, .. } = &answering;
                if !answering.is_divided() {
                    let checkpoint = self.store.checkpoint(build).await?;
                    return Ok(Read { value: (answering, Vec::new()), checkpoint });
                }
                let builds = self.store.builds(&build.name).await?;
                let checkpoint = checkpoint_of(&builds, build);
                Ok(Read { value: (answering, builds), checkpoint })
            })
        });
        let Read { value: (answering, builds), checkpoint } = read.await?;
        let mut partitions = BTreeMap::new();
        for Build { id, checkpoint, .. } in builds {
            let is_of = id.partition.of() == answering.partitions && id.whole() == answering.build;
            partitions.extend(checkpoint.filter(|_| is_of).map(|checkpoint| (id.partition, checkpoint)));
        }
        if let Some(Checkpoint { standing: Standing::Building, .. }) = checkpoint {
            // It is of an older version.
            for partition in partitions.values_mut() {
                partition.standing = Standing::Building;
            }
        }
        Ok(Progress { build: answering.build, checkpoint, partitions })
    }

    /// How far all documents are, where it is divided.
    async fn of_all(&self, answering: &Answering) -> Result<Option<Checkpoint>, Error> {
        let builds = self.store.builds(&answering.build.name).await?;
        Ok(checkpoint_of(&builds, &answering.build))
    }
}

impl Shared {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What answers, as far as is known.
    fn answering(&self, projection: &ProjectionId) -> Answering {
        let known = self.known().get(&projection.whole()).map(|known| known.answering.clone());
        known.unwrap_or_else(|| Answering::whole(projection.whole()))
    }

    /// Looks which build is current.
    async fn look(&self, projection: &ProjectionId) -> Result<Answering, Error> {
        let builds = self.store.builds(&projection.name).await?;
        let found = choose(&builds, projection);
        let is_there =
            |id: &ProjectionId| builds.iter().any(|build| build.id == *id && build.checkpoint.is_some());
        let mut known = self.known();
        let known = known.entry(projection.whole()).or_insert_with(|| Known::new(projection.whole()));
        let checkpoint = checkpoint_of(&builds, &found.build);
        let is_behind = checkpoint.is_none_or(|checkpoint| checkpoint.position < known.answered);
        // What was answered is not taken back: until it is as far, the one before goes on to answer.
        let goes_on = is_behind && found.build != known.answering.build && is_there(&known.answering.build);
        if !goes_on {
            known.answering = found;
        }
        Ok(known.answering.clone())
    }

    /// Remembers how far an answer is. One from an older version says that the one that was asked for is being built.
    fn answered(
        &self,
        projection: &ProjectionId,
        answering: &Answering,
        checkpoint: Option<Checkpoint>,
    ) -> Option<Checkpoint> {
        let mut checkpoint = checkpoint?;
        let mut all = self.known();
        let known = all.entry(projection.whole()).or_insert_with(|| Known::new(answering.build.clone()));
        known.answered = known.answered.max(checkpoint.position);
        if answering.build.version != projection.version {
            checkpoint.standing = Standing::Building;
        }
        Some(checkpoint)
    }
}

impl ViewStore for Current {
    fn format(&self) -> DataFormat {
        self.store.format()
    }

    fn coordination(&self) -> &dyn CoordinationStore {
        self.store.coordination()
    }

    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        self.store.prepare(projection)
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move {
            let read = self.ask(projection, move |answering| {
                Box::pin(async move {
                    let place = answering.place(projection.partition);
                    let checkpoint = if answering.is_divided() && place.partition.is_whole() {
                        self.of_all(&answering).await?
                    } else {
                        self.store.checkpoint(&place).await?
                    };
                    Ok(Read { value: (), checkpoint })
                })
            });
            Ok(read.await?.checkpoint)
        })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move { Ok(self.load_current(projection, keys).await?.1) })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        self.store.commit(projection, commit)
    }

    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        self.store.commit_all(batches)
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        self.ask(projection, move |answering| {
            Box::pin(async move { self.store.get(&answering.place(Partition::of_key(key)), key).await })
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        self.ask(projection, move |answering| {
            Box::pin(async move {
                let build = &answering.build;
                // Before the documents, so that these are not older.
                let of_all = if answering.is_divided() { Some(self.of_all(&answering).await?) } else { None };
                let found = self.store.find(build, find).await;
                let Read { value, checkpoint } =
                    found.map_err(|error| of_an_older_version(projection, build, error))?;
                // Where it is not current any more, it is that of the build itself that says so.
                let checkpoint = match of_all {
                    Some(of_all) if answering.is_current(projection, checkpoint.as_ref()) => of_all,
                    _ => checkpoint,
                };
                Ok(Read { value, checkpoint })
            })
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for place in self.look(projection).await?.places() {
                found.extend(self.store.parked_sequences(&place).await?);
            }
            // A stream may be parked in several partitions.
            found.sort();
            found.dedup();
            Ok(found)
        })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            let answering = self.look(projection).await?;
            let mut found = Vec::new();
            for place in answering.places() {
                found.extend(self.store.dead_letters(&place, of, after, limit).await?);
            }
            if answering.is_divided() {
                found.sort_by(|a, b| (a.position, &a.sequence).cmp(&(b.position, &b.sequence)));
                found.dedup_by(|a, b| (a.position, &a.sequence) == (b.position, &b.sequence));
                let last = limit.checked_sub(1).and_then(|last| found.get(last)).map(|last| last.position);
                found.retain(|letter| limit > 0 && last.is_none_or(|last| letter.position <= last));
            }
            Ok(found)
        })
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        self.store.builds(name)
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        self.store.remove(projection)
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let answering = self.answering(projection);
        let place = answering.place(projection.partition);
        if !place.partition.is_whole() {
            return self.store.watch(&place);
        }
        let mut known = self.shared.known();
        let known = known.entry(projection.whole()).or_insert_with(|| Known::new(projection.whole()));
        if let Some(news) = known.news.as_ref().filter(|news| !news.is_closed()) {
            return news.subscribe();
        }
        let (news, receiver) = watch::channel(None);
        known.news = Some(news.clone());
        tokio::spawn(follow(Arc::clone(&self.shared), projection.whole(), news));
        receiver
    }
}

/// Tells of the progress of whatever build is current, for as long as somebody listens.
async fn follow(shared: Arc<Shared>, projection: ProjectionId, news: watch::Sender<Option<Checkpoint>>) {
    loop {
        let answering = shared.answering(&projection);
        let mut told = News::of(&*shared.store, answering.clone());
        while shared.answering(&projection) == answering {
            let seen: Vec<_> = told.seen().map(|(_, checkpoint)| checkpoint).collect();
            let of_build = seen.first().copied().flatten();
            let checkpoint = match of_build {
                Some(of_build) if answering.is_divided() => Checkpoint::of_partitions(of_build, &seen[1..]),
                of_build => of_build,
            };
            news.send_replace(checkpoint);
            if !answering.is_current(&projection, of_build.as_ref())
                && let Err(error) = shared.look(&projection).await
            {
                // The next news brings another look.
                let error = &error as &dyn std::error::Error;
                tracing::debug!(%projection, error, "which build is current can't be read");
            }
            if shared.answering(&projection) != answering {
                break;
            }
            tokio::select! {
                is_open = told.changed() => if !is_open { return },
                () = news.closed() => return,
            }
        }
    }
}

/// What makes no sense to an older version may well do to the one that was asked for.
fn of_an_older_version(projection: &ProjectionId, build: &ProjectionId, error: Error) -> Error {
    match error {
        Error::Invalid { what } if build.version != projection.version => Error::unavailable(
            "answers from an older version",
            format!("{projection} is being built, and {build} answers meanwhile: {what}"),
        ),
        error => error,
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
