use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cqrs_core::{
    domain::Projection,
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DataFormat, DeadLetter, Error,
        Find, ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore, commit_each,
    },
};
use mongodb::{Collection, Database};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch},
    task::JoinSet,
};

use crate::{
    builds,
    commit::Writer,
    error::unavailable,
    letters,
    moves::{self, Move},
    names,
    options::ViewStoreOptions,
    prepare,
    progress::Progress,
    read,
    server::Server,
    stored::Stored,
};

/// How many batches are written at a time that are written together.
const BATCHES_AT_ONCE: usize = 16;

/// A view store in a MongoDB database. Clones are handles of the same store.
///
/// Several processes may work on the same database. Each build of each projection has a collection of its own, such as
/// `order_summary_v1`.
#[derive(Clone)]
pub struct MongoViewStore {
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    in_transactions: bool,
    document_bytes: usize,
    progress: Arc<Progress>,
    projections: Mutex<HashMap<ProjectionId, Arc<Local>>>,
}

/// What this program knows of a build, or of a partition of one.
#[derive(Default)]
struct Local {
    /// Of a build: the indexes that it declares, in its order; `None` before it has prepared the projection.
    declared: Mutex<Option<Vec<String>>>,
    /// Batches of one projection take turns, and loads come between them: nobody folds on half a batch.
    turn: Arc<AsyncMutex<()>>,
}

impl MongoViewStore {
    /// Connects with the default [options](Self::options) to the database that the URL names in its path.
    ///
    /// # Errors
    ///
    /// As [`ViewStoreOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::options().connect(url).await
    }

    /// How to connect, to be changed before [`ViewStoreOptions::connect`].
    pub fn options() -> ViewStoreOptions {
        ViewStoreOptions::default()
    }

    /// To be called within the runtime that it is to work in.
    pub(crate) fn new(
        server: Server,
        in_transactions: bool,
        document_bytes: usize,
        poll_interval: Duration,
    ) -> Self {
        let progress = Progress::new(server.clone(), poll_interval);
        let projections = Mutex::default();
        Self { shared: Arc::new(Shared { server, in_transactions, document_bytes, progress, projections }) }
    }

    /// The documents of a projection, for the driver's own queries and aggregations: those that exist, without the traces
    /// of removed ones. It is a MongoDB view over the collection, so it can be read only; queries use the collection's
    /// indexes all the same. Reads go by the store's read concern and preference.
    ///
    /// How fresh they are can be asked for beside it, before the query: what is read after
    /// [`Views::fresh`](cqrs_core::query::Views::fresh) has answered is as fresh as that, where both read from the primary.
    ///
    /// ```no_run
    /// # use cqrs_core::{domain::Projection, query::Views, envelope::Token};
    /// use cqrs_mongo::{MongoViewStore, Stored, mongodb::bson::doc};
    ///
    /// # async fn cheapest<P: Projection>(store: MongoViewStore, token: Token) -> Result<(), Box<dyn std::error::Error>> {
    /// Views::new(store.clone()).fresh::<P>().at_least(&token).await?;
    /// let mut cheapest = store.collection::<P>().find(doc! { "total": { "$lt": 100 } }).sort(doc! { "total": 1 }).await?;
    /// while cheapest.advance().await? {
    ///     let Stored { key, document, .. } = cheapest.deserialize_current()?;
    ///     # drop((key, document));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// These are the documents of the first build. After a rebuild, they are in another collection:
    /// [`collection_of`](Self::collection_of).
    pub fn collection<P: Projection>(&self) -> Collection<Stored<P>> {
        self.collection_of(&ProjectionId::of::<P>())
    }

    /// As [`collection`](Self::collection), of one build: [`Views::build`](cqrs_core::query::Views::build) tells which one
    /// answers queries.
    pub fn collection_of<P: Projection>(&self, build: &ProjectionId) -> Collection<Stored<P>> {
        self.shared.server.read(&names::live(build)).clone_with_type()
    }

    pub(crate) fn server(&self) -> &Server {
        &self.shared.server
    }

    /// The database, by the driver's own handle.
    pub fn database(&self) -> &Database {
        &self.shared.server.database
    }
}

impl Shared {
    fn local(&self, projection: &ProjectionId) -> Arc<Local> {
        let mut projections = lock(&self.projections);
        Arc::clone(projections.entry(projection.clone()).or_default())
    }

    /// This one, and where it is a build those of its partitions: in one order, so that of two who wait for all of them one
    /// gets them.
    fn locals(&self, projection: &ProjectionId) -> Vec<Arc<Local>> {
        let projections = lock(&self.projections);
        let of = projections.iter().filter(|(id, _)| *id == projection || id.whole() == *projection);
        of.collect::<BTreeMap<_, _>>().into_values().map(Arc::clone).collect()
    }

    /// Waits until no batch of the projection is being written by this program.
    async fn turn(&self, local: &Local, doing: &'static str) -> Result<OwnedMutexGuard<()>, Error> {
        let timeout = self.server.timeout;
        let turn = tokio::time::timeout(timeout, Arc::clone(&local.turn).lock_owned());
        turn.await
            .map_err(|_| unavailable(doing, format!("a batch was being written for longer than {timeout:?}")))
    }

    async fn commit(&self, projection: &ProjectionId, commit: Commit) -> Result<(), CommitError> {
        let local = self.local(projection);
        let _turn = self.turn(&local, "writes a batch").await?;
        let declared = self.declared(projection);
        let writer = self.writer(projection, declared.as_deref());
        let ready = writer.ready(commit).await?;
        let checkpoint = if self.in_transactions {
            writer.transactional(ready).await?
        } else {
            writer.guarded(ready).await?
        };
        self.progress.tell(projection, checkpoint);
        Ok(())
    }

    /// The indexes that this program declares for a build, in its order; `None` before it has prepared it.
    fn declared(&self, projection: &ProjectionId) -> Option<Vec<String>> {
        lock(&self.local(&projection.whole()).declared).clone()
    }

    fn writer<'a>(&'a self, projection: &'a ProjectionId, declared: Option<&'a [String]>) -> Writer<'a> {
        Writer { server: &self.server, projection, declared, limit: self.document_bytes }
    }

    /// Moves checkpoints alone, together; which of them were moved.
    async fn advance(&self, moves: Vec<(&ProjectionId, &Commit)>) -> Result<Vec<bool>, Error> {
        let ids: BTreeSet<&ProjectionId> = moves.iter().map(|(id, _)| *id).collect();
        // In one order, as whoever removes them does.
        let mut turns = Vec::with_capacity(ids.len());
        for id in ids {
            turns.push(self.turn(&self.local(id), "moves checkpoints").await?);
        }
        let declared: Vec<_> = moves.iter().map(|(id, _)| self.declared(id)).collect();
        let with_writers = moves.iter().zip(&declared).map(|((id, commit), declared)| Move {
            writer: self.writer(id, declared.as_deref()),
            commit: (*commit).clone(),
        });
        let made = moves::make(&self.server, &with_writers.collect::<Vec<_>>()).await?;
        for ((id, _), checkpoint) in moves.iter().zip(&made) {
            if let Some(checkpoint) = checkpoint {
                self.progress.tell(id, *checkpoint);
            }
        }
        Ok(made.iter().map(Option::is_some).collect())
    }

    /// Writes batches of different projections: those that only move checkpoints together, the others several at a time.
    async fn commit_all(
        self: &Arc<Self>,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> Vec<Result<(), CommitError>> {
        let mut answers: Vec<_> = batches.iter().map(|_| Err(Error::Closed.into())).collect();
        let mut is_answered = vec![false; batches.len()];
        let bare: Vec<usize> = batches
            .iter()
            .enumerate()
            .filter(|(_, (_, commit))| commit.is_bare())
            .map(|(nth, _)| nth)
            .collect();
        if bare.len() > 1 {
            let moves = bare.iter().map(|nth| (&batches[*nth].0, &batches[*nth].1)).collect();
            match self.advance(moves).await {
                Ok(made) => {
                    for (nth, _) in bare.into_iter().zip(made).filter(|(_, made)| *made) {
                        (answers[nth], is_answered[nth]) = (Ok(()), true);
                    }
                }
                Err(error) => {
                    for nth in bare {
                        (answers[nth], is_answered[nth]) = (Err(error.clone().into()), true);
                    }
                }
            }
        }
        let mut waiting = batches.into_iter().enumerate().filter(|(nth, _)| !is_answered[*nth]);
        let mut panicked = None;
        let mut running = JoinSet::new();
        loop {
            for (nth, (projection, commit)) in waiting.by_ref().take(BATCHES_AT_ONCE - running.len()) {
                let shared = Arc::clone(self);
                running.spawn(async move { (nth, shared.commit(&projection, commit).await) });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((nth, answer))) => answers[nth] = answer,
                // The others are written to their ends all the same.
                Some(Err(error)) => match error.try_into_panic() {
                    Ok(panic) => panicked = Some(panic),
                    Err(_) => break,
                },
            }
        }
        if let Some(panic) = panicked {
            std::panic::resume_unwind(panic);
        }
        answers
    }

    async fn remove(&self, projection: &ProjectionId) -> Result<(), Error> {
        let _own = self.local(projection);
        let mut turns = Vec::new();
        for local in self.locals(projection) {
            turns.push(self.turn(&local, "removes a projection").await?);
        }
        builds::remove(&self.server, projection).await?;
        if projection.partition.is_whole() {
            *lock(&self.local(projection).declared) = None;
        }
        self.progress.tell_removal(projection);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn to_its_end<T: Send + 'static, E: From<Error> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Closed.into()),
        },
    }
}

impl fmt::Debug for MongoViewStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { server, in_transactions, .. } = &*self.shared;
        f.debug_struct("MongoViewStore")
            .field("database", &server.database.name())
            .field("in_transactions", in_transactions)
            .finish_non_exhaustive()
    }
}

impl ViewStore for MongoViewStore {
    fn format(&self) -> DataFormat {
        DataFormat::Tree
    }

    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::check(projection)?;
            let build = self.shared.local(&projection.id.whole());
            let declared = lock(&build.declared).clone();
            prepare::prepare(&self.shared.server, projection, declared.as_deref()).await?;
            let indexes = projection.indexes.iter().map(|index| index.name.to_owned()).collect();
            *lock(&build.declared) = Some(indexes);
            Ok(())
        })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(read::checkpoint(&self.shared.server, projection))
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            let local = self.shared.local(projection);
            let _turn = self.shared.turn(&local, "loads documents").await?;
            read::load(&self.shared.server, projection, keys).await
        })
    }

    /// A batch that has begun is written to its end, also where nobody waits for it any more.
    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        let (shared, projection) = (Arc::clone(&self.shared), projection.clone());
        Box::pin(to_its_end(async move { shared.commit(&projection, commit).await }))
    }

    /// Those that move checkpoints alone by one command, and then the others, several at a time. Each is written to its end, also
    /// where nobody waits for it any more.
    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        Box::pin(async move {
            let each: HashSet<&ProjectionId> = batches.iter().map(|(id, _)| id).collect();
            if each.len() < batches.len() {
                return commit_each(self, batches).await;
            }
            let (shared, asked) = (Arc::clone(&self.shared), batches.len());
            let written = to_its_end(async move { Ok(shared.commit_all(batches).await) }).await;
            written.unwrap_or_else(|error: Error| (0..asked).map(|_| Err(error.clone().into())).collect())
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(read::get(&self.shared.server, projection, key))
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(read::find(&self.shared.server, projection, find))
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(letters::sequences(&self.shared.server, projection))
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(letters::list(&self.shared.server, projection, of, after, limit))
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        Box::pin(builds::list(&self.shared.server, name))
    }

    /// What was begun is done to its end, also where nobody waits for it any more. What is interrupted is listed among the
    /// builds, and completed by another call; until then the build can't be prepared.
    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        let (shared, projection) = (Arc::clone(&self.shared), projection.clone());
        Box::pin(to_its_end(async move { shared.remove(&projection).await }))
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.shared.progress.watch(projection)
    }
}
