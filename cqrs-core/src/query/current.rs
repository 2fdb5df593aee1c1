use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DataFormat, DeadLetter, Error,
        Find, ProjectionId, ProjectionSpec, Read, Sequence, Standing, StoredDocument, ViewStore,
    },
};

/// A view store as queries see it: whoever asks for a projection is answered from the build of it that is current.
///
/// That is the newest one of the version that is asked for, or, until that has caught up for the first time, of an older
/// version. Each answer brings what its build is for, so a switch is noticed by the first answer after it; until then, it
/// costs nothing. Answers never go back behind what was answered before.
pub(crate) struct Current {
    store: Arc<dyn ViewStore>,
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn ViewStore>,
    known: Mutex<HashMap<ProjectionId, Known>>,
}

struct Known {
    build: ProjectionId,
    /// How far the newest answer was.
    answered: Position,
    /// Tells of the progress of whatever build is current.
    news: Option<watch::Sender<Option<Checkpoint>>>,
}

impl Known {
    const fn new(build: ProjectionId) -> Self {
        Self { build, answered: Position::ZERO, news: None }
    }
}

impl Current {
    pub(crate) fn of(store: Arc<dyn ViewStore>) -> Arc<Self> {
        let shared = Arc::new(Shared { store: Arc::clone(&store), known: Mutex::default() });
        Arc::new(Self { store, shared })
    }

    fn build(&self, projection: &ProjectionId) -> ProjectionId {
        self.shared.build(projection)
    }

    async fn look(&self, projection: &ProjectionId) -> Result<ProjectionId, Error> {
        self.shared.look(projection).await
    }

    /// The build to ask instead, where the one that has answered is not current.
    async fn instead(
        &self,
        projection: &ProjectionId,
        build: &ProjectionId,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Option<ProjectionId>, Error> {
        if is_current(projection, build, checkpoint) {
            return Ok(None);
        }
        let current = self.look(projection).await?;
        Ok((current != *build).then_some(current))
    }
}

impl Shared {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The build that answers, as far as is known.
    fn build(&self, projection: &ProjectionId) -> ProjectionId {
        self.known().get(projection).map_or_else(|| projection.clone(), |known| known.build.clone())
    }

    /// Looks which build is current.
    async fn look(&self, projection: &ProjectionId) -> Result<ProjectionId, Error> {
        let builds = self.store.builds(&projection.name).await?;
        let found = choose(&builds, projection);
        let mut known = self.known();
        let answered = known.get(projection).map_or(Position::ZERO, |known| known.answered);
        let is_behind = found.checkpoint.is_none_or(|checkpoint| checkpoint.position < answered);
        let known = known.entry(projection.clone()).or_insert_with(|| Known::new(projection.clone()));
        // What was answered is not taken back: until it is as far, the one before goes on to answer.
        let was_there = builds.iter().any(|build| build.id == known.build && build.checkpoint.is_some());
        if !(is_behind && was_there) {
            known.build = found.id;
        }
        Ok(known.build.clone())
    }

    /// Remembers how far an answer is. One from an older version says that the one that was asked for is being built.
    fn answered(
        &self,
        projection: &ProjectionId,
        build: &ProjectionId,
        checkpoint: Option<Checkpoint>,
    ) -> Option<Checkpoint> {
        let mut checkpoint = checkpoint?;
        let mut all = self.known();
        let known = all.entry(projection.clone()).or_insert_with(|| Known::new(build.clone()));
        known.answered = known.answered.max(checkpoint.position);
        if build.version != projection.version {
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
            let mut build = self.build(projection);
            loop {
                let checkpoint = self.store.checkpoint(&build).await?;
                match self.instead(projection, &build, checkpoint.as_ref()).await? {
                    Some(other) => build = other,
                    None => return Ok(self.shared.answered(projection, &build, checkpoint)),
                }
            }
        })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move { self.store.load(&self.build(projection), keys).await })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        self.store.commit(projection, commit)
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            let mut build = self.build(projection);
            loop {
                let Read { value, checkpoint } = self.store.get(&build, key).await?;
                match self.instead(projection, &build, checkpoint.as_ref()).await? {
                    Some(other) => build = other,
                    None => {
                        let checkpoint = self.shared.answered(projection, &build, checkpoint);
                        return Ok(Read { value, checkpoint });
                    }
                }
            }
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(async move {
            let mut build = self.build(projection);
            loop {
                let found = self.store.find(&build, find).await;
                let Read { value, checkpoint } =
                    found.map_err(|error| of_an_older_version(projection, &build, error))?;
                match self.instead(projection, &build, checkpoint.as_ref()).await? {
                    Some(other) => build = other,
                    None => {
                        let checkpoint = self.shared.answered(projection, &build, checkpoint);
                        return Ok(Read { value, checkpoint });
                    }
                }
            }
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move { self.store.parked_sequences(&self.look(projection).await?).await })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(
            async move { self.store.dead_letters(&self.look(projection).await?, of, after, limit).await },
        )
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        self.store.builds(name)
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        self.store.remove(projection)
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let mut known = self.shared.known();
        let known = known.entry(projection.clone()).or_insert_with(|| Known::new(projection.clone()));
        if let Some(news) = known.news.as_ref().filter(|news| !news.is_closed()) {
            return news.subscribe();
        }
        let (news, receiver) = watch::channel(None);
        known.news = Some(news.clone());
        tokio::spawn(follow(Arc::clone(&self.shared), projection.clone(), news));
        receiver
    }
}

/// Tells of the progress of whatever build is current, for as long as somebody listens.
async fn follow(shared: Arc<Shared>, projection: ProjectionId, news: watch::Sender<Option<Checkpoint>>) {
    loop {
        let build = shared.build(&projection);
        let mut progress = shared.store.watch(&build);
        progress.mark_changed();
        while shared.build(&projection) == build {
            tokio::select! {
                changed = progress.changed() => if changed.is_err() { return },
                () = news.closed() => return,
            }
            let checkpoint = *progress.borrow_and_update();
            news.send_replace(checkpoint);
            if !is_current(&projection, &build, checkpoint.as_ref())
                && let Err(error) = shared.look(&projection).await
            {
                // The next news brings another look.
                let error = &error as &dyn std::error::Error;
                tracing::debug!(%projection, error, "which build is current can't be read");
            }
        }
    }
}

/// Whether there is no need to look for another build.
fn is_current(projection: &ProjectionId, build: &ProjectionId, checkpoint: Option<&Checkpoint>) -> bool {
    build.version == projection.version
        && checkpoint.is_some_and(|checkpoint| checkpoint.standing == Standing::Live)
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

/// The build that answers queries of a projection.
pub(crate) async fn current_build(
    store: &dyn ViewStore,
    projection: &ProjectionId,
) -> Result<ProjectionId, Error> {
    Ok(choose(&store.builds(&projection.name).await?, projection).id)
}

/// The newest build that has caught up, of this version or an older one; else the first of this version.
fn choose(builds: &[Build], projection: &ProjectionId) -> Build {
    let is_live = |build: &&Build| {
        build.id.version <= projection.version
            && build.checkpoint.is_some_and(|checkpoint| checkpoint.standing == Standing::Live)
    };
    let first = || Build { id: projection.clone(), fingerprint: 0, checkpoint: None };
    // Sorted by id: the last is the newest.
    builds.iter().rfind(is_live).cloned().unwrap_or_else(first)
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
