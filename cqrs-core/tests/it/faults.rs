//! Stores in memory that fail as real ones do: before and after the fact, late, twice, or not at all for a while.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use cqrs_core::{
    envelope::{CommandId, Json, LogId, Position, RecordedEvent, StreamId},
    memory::{MemoryEventStore, MemoryViewStore},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Build, Checkpoint, Commit, CommitError,
        CoordinationStore, DeadLetter, Entry, Error, EventFilter, EventStore, Find, Load, Loaded, LogPage,
        Past, ProjectionId, ProjectionSpec, Read, RecordedCommand, Sequence, Snapshot, SnapshotStore,
        StoredDocument, StreamRead, ViewStore, commit_each,
    },
};
use tokio::sync::watch;

/// A small generator of numbers that look random and are the same each time.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

pub fn away(doing: &'static str) -> Error {
    Error::unavailable(doing, "the test took it away")
}

async fn take(millis: &AtomicU64) {
    let millis = millis.load(SeqCst);
    if millis > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
    }
}

/// Says of a call, such as "removes orders v1", whether it is to wait.
type Waits = Arc<dyn Fn(&str) -> bool + Send + Sync>;
type EditLoaded = Box<dyn FnMut(&mut Loaded) + Send>;
type EditPage = Box<dyn FnMut(&mut LogPage) + Send>;

#[derive(Default)]
pub struct LogFaults {
    pub loads: AtomicUsize,
    pub loaded_events: AtomicUsize,
    pub appends: AtomicUsize,
    pub away: AtomicBool,
    pub always_conflict: AtomicBool,
    /// The next append happens, but nobody hears of it.
    pub loses_answer: AtomicBool,
    /// Others get in before each call.
    pub yields: AtomicBool,
    /// A question for the head gets no answer.
    pub is_silent: AtomicBool,
    pub snapshots_fail: AtomicBool,
    /// The log's past; another one is taken for that of a log that was put back.
    pub past: Mutex<Past>,
    pub edit_loaded: Mutex<Option<EditLoaded>>,
    pub edit_page: Mutex<Option<EditPage>>,
    /// How long a read of the log for a projection takes, in milliseconds.
    pub read_millis: AtomicU64,
    /// Reads of the log wait while it is set.
    pub reads_wait: watch::Sender<bool>,
    /// Reads of the log after this position wait while it is set.
    pub reads_wait_at: watch::Sender<Option<Position>>,
    /// After which positions the log was read for a projection.
    pub reads: Mutex<Vec<Position>>,
    /// What another writer appends just before the next append.
    pub before_append: Mutex<Option<Append>>,
    /// What another writer appends just after the next read of the log.
    pub after_read_log: Mutex<Option<Append>>,
    /// What another writer appends just before the next read of a stream.
    pub before_read_stream: Mutex<Option<Append>>,
}

/// A log that fails on demand. Clones are handles of the same log.
#[derive(Clone)]
pub struct FaultyLog {
    pub inner: MemoryEventStore,
    pub faults: Arc<LogFaults>,
}

impl FaultyLog {
    pub fn new() -> Self {
        Self { inner: MemoryEventStore::new(), faults: Arc::default() }
    }

    /// Another way to the same log, with faults of its own.
    pub fn beside(&self) -> Self {
        Self { inner: self.inner.clone(), faults: Arc::default() }
    }

    /// Reads that wait go on.
    pub fn go_on(&self) {
        self.faults.reads_wait.send_replace(false);
        self.faults.reads_wait_at.send_replace(None);
    }

    async fn pass(&self, doing: &'static str) -> Result<(), Error> {
        if self.faults.yields.load(SeqCst) {
            tokio::task::yield_now().await;
        }
        if self.faults.away.load(SeqCst) { Err(away(doing)) } else { Ok(()) }
    }

    async fn rival(&self, slot: &Mutex<Option<Append>>) {
        let rival = slot.lock().unwrap().take();
        if let Some(append) = rival {
            self.inner.append(append).await.unwrap();
        }
    }
}

impl std::fmt::Debug for FaultyLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl EventStore for FaultyLog {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        Box::pin(async move {
            self.faults.appends.fetch_add(1, SeqCst);
            self.pass("appends").await?;
            self.rival(&self.faults.before_append).await;
            if self.faults.always_conflict.load(SeqCst) {
                let cqrs_core::store::Condition::Version { stream, expected } = &append.conditions[0] else {
                    unreachable!()
                };
                return Err(AppendError::Conflict {
                    stream: stream.clone(),
                    expected: *expected,
                    actual: expected.plus(1),
                });
            }
            let past = *self.faults.past.lock().unwrap();
            if append.past.is_known() && append.past != past {
                return Err(AppendError::OtherPast);
            }
            let mut outcome = self.inner.append(append).await;
            if let Ok(AppendOutcome::Appended(appended)) = &mut outcome {
                appended.past = past;
            }
            self.pass("appends").await?;
            if self.faults.loses_answer.swap(false, SeqCst) {
                return Err(AppendError::OutcomeUnknown { source: "the connection is gone".into() });
            }
            outcome
        })
    }

    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(async move {
            self.pass("loads").await?;
            let mut loaded = self.inner.load(load).await?;
            self.faults.loads.fetch_add(1, SeqCst);
            self.faults.loaded_events.fetch_add(loaded.events.len(), SeqCst);
            if let Some(edit) = &mut *self.faults.edit_loaded.lock().unwrap() {
                edit(&mut loaded);
            }
            self.pass("loads").await?;
            Ok(loaded)
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        Box::pin(async move {
            self.rival(&self.faults.before_read_stream).await;
            self.inner.read_stream(stream, read, limit).await
        })
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move {
            if filter.any_of.is_some() {
                self.faults.reads.lock().unwrap().push(after);
                take(&self.faults.read_millis).await;
            }
            let _ = self.faults.reads_wait.subscribe().wait_for(|wait| !wait).await;
            let _ = self.faults.reads_wait_at.subscribe().wait_for(|at| *at != Some(after)).await;
            self.pass("reads the log").await?;
            let mut page = self.inner.read_log(after, filter, limit).await?;
            if let Some(edit) = &mut *self.faults.edit_page.lock().unwrap() {
                edit(&mut page);
            }
            self.rival(&self.faults.after_read_log).await;
            Ok(page)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        Box::pin(async move {
            if self.faults.is_silent.load(SeqCst) {
                std::future::pending::<()>().await;
            }
            self.pass("looks for its head").await?;
            self.inner.head().await
        })
    }

    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        self.inner.command(id)
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.inner.watch()
    }
}

impl SnapshotStore for FaultyLog {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        self.inner.snapshot(stream, fingerprint)
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.faults.snapshots_fail.load(SeqCst) {
                return Err(away("saves a snapshot"));
            }
            self.inner.save_snapshot(snapshot).await
        })
    }

    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.drop_snapshots(category)
    }
}

pub struct ViewFaults {
    pub loads: AtomicUsize,
    pub gets: AtomicUsize,
    pub finds: AtomicUsize,
    pub commits: AtomicUsize,
    /// How often it was read which builds there are.
    pub builds: AtomicUsize,
    /// How often entries were read, such as leases.
    pub entries: AtomicUsize,
    /// So many reads of documents fail next.
    pub loads_fail: AtomicUsize,
    /// How long reading documents takes, in milliseconds.
    pub load_millis: AtomicU64,
    /// How long a commit takes, in milliseconds.
    pub commit_millis: AtomicU64,
    /// Commits with documents, as against heartbeats.
    pub batches: AtomicUsize,
    /// Several commits that came as one call, of which one at least had documents.
    pub together: AtomicUsize,
    pub away: AtomicBool,
    /// A question for a checkpoint gets no answer.
    pub is_silent: AtomicBool,
    /// A question for a checkpoint panics.
    pub checkpoint_panics: AtomicBool,
    /// Reading documents panics, and so does writing several batches.
    pub panics: AtomicBool,
    /// The next document that is read arrives only when the projection has come this far.
    pub late_answer: Mutex<Option<Position>>,
    /// A commit waits while it is shut.
    pub open: watch::Sender<bool>,
    /// Entries are not touched any more, as if the program stood still.
    pub stands_still: watch::Sender<bool>,
    /// Fails at random.
    pub chaos: Mutex<Option<Dice>>,
    /// Calls that wait.
    waits: [watch::Sender<Option<Waits>>; 2],
    /// How many calls have begun to wait.
    pub waiting: AtomicUsize,
    /// Commits that lead back to an earlier position.
    pub commits_back: AtomicUsize,
}

/// A view store that fails on demand. Clones are handles of the same store.
#[derive(Clone)]
pub struct FaultyViews {
    pub inner: MemoryViewStore,
    /// Where leases are.
    coordination: MemoryViewStore,
    pub faults: Arc<ViewFaults>,
}

enum Fate {
    Done,
    FailedBefore,
    AnswerLost,
    Late(u64),
    Twice,
}

impl FaultyViews {
    pub fn new() -> Self {
        Self::over(MemoryViewStore::new())
    }

    pub fn over(inner: MemoryViewStore) -> Self {
        let faults = ViewFaults {
            loads: AtomicUsize::default(),
            gets: AtomicUsize::default(),
            finds: AtomicUsize::default(),
            commits: AtomicUsize::default(),
            builds: AtomicUsize::default(),
            entries: AtomicUsize::default(),
            loads_fail: AtomicUsize::default(),
            load_millis: AtomicU64::default(),
            commit_millis: AtomicU64::default(),
            batches: AtomicUsize::default(),
            together: AtomicUsize::default(),
            away: AtomicBool::default(),
            is_silent: AtomicBool::default(),
            checkpoint_panics: AtomicBool::default(),
            panics: AtomicBool::default(),
            late_answer: Mutex::default(),
            open: watch::Sender::new(true),
            stands_still: watch::Sender::new(false),
            chaos: Mutex::default(),
            waits: [watch::Sender::new(None), watch::Sender::new(None)],
            waiting: AtomicUsize::default(),
            commits_back: AtomicUsize::default(),
        };
        Self { coordination: inner.clone(), inner, faults: Arc::new(faults) }
    }

    /// Another way to the same views, with faults of its own.
    pub fn beside(&self) -> Self {
        Self::over(self.inner.clone())
    }

    /// Another way to the same documents, which knows nothing of the leases that others hold.
    pub fn without_its_leases(&self) -> Self {
        Self { coordination: MemoryViewStore::new(), ..Self::over(self.inner.clone()) }
    }

    /// Whether a commit is the first one of a new owner. No fault is meant for it.
    async fn is_claim(&self, projection: &ProjectionId, commit: &Commit) -> bool {
        let known = self.inner.checkpoint(projection).await.unwrap();
        known.map_or(0, |known| known.fence) < commit.checkpoint.fence
    }

    pub fn shut(&self) {
        self.faults.open.send_replace(false);
    }

    pub fn open(&self) {
        self.faults.open.send_replace(true);
    }

    /// Has some calls wait, from now on, until all of them go on.
    pub fn hold_up(&self, waits: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.faults.waits[0].send_replace(Some(Arc::new(waits)));
    }

    /// Has others wait, too.
    pub fn hold_up_besides(&self, waits: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.faults.waits[1].send_replace(Some(Arc::new(waits)));
    }

    pub fn go_on_first(&self) {
        self.faults.waits[0].send_replace(None);
    }

    pub fn go_on(&self) {
        for waits in &self.faults.waits {
            waits.send_replace(None);
        }
    }

    async fn wait(&self, what: String) {
        for held_up in &self.faults.waits {
            let waits = held_up.borrow().clone();
            if waits.is_some_and(|waits| waits(&what)) {
                let mut held_up = held_up.subscribe();
                self.faults.waiting.fetch_add(1, SeqCst);
                let _ = held_up.wait_for(Option::is_none).await;
            }
        }
    }

    fn pass(&self, doing: &'static str) -> Result<(), Error> {
        let unlucky = self.faults.chaos.lock().unwrap().as_mut().is_some_and(|dice| dice.roll(8) == 0);
        if unlucky || self.faults.away.load(SeqCst) { Err(away(doing)) } else { Ok(()) }
    }

    fn fate(&self) -> Fate {
        let mut chaos = self.faults.chaos.lock().unwrap();
        let Some(dice) = &mut *chaos else { return Fate::Done };
        match dice.roll(8) {
            0 => Fate::FailedBefore,
            1 => Fate::AnswerLost,
            2 => Fate::Late(dice.roll(60)),
            3 => Fate::Twice,
            _ => Fate::Done,
        }
    }
}

impl std::fmt::Debug for FaultyViews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl CoordinationStore for FaultyViews {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            self.faults.entries.fetch_add(1, SeqCst);
            self.pass("reads entries")?;
            self.coordination.entries(group).await
        })
    }

    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move {
            self.wait(format!("puts {group}")).await;
            self.pass("puts an entry")?;
            self.coordination.put_entry(group, key, expected, value).await
        })
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        Box::pin(async move {
            self.wait(format!("touches {group}")).await;
            let _ = self.faults.stands_still.subscribe().wait_for(|stands_still| !stands_still).await;
            self.pass("touches entries")?;
            self.coordination.touch_entries(group, held).await
        })
    }

    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.coordination.remove_entry(group, key, expected)
    }
}

impl ViewStore for FaultyViews {
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.wait(format!("prepares {}", projection.id)).await;
            self.pass("prepares")?;
            self.inner.prepare(projection).await
        })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.faults.is_silent.load(SeqCst) {
                std::future::pending::<()>().await;
            }
            assert!(!self.faults.checkpoint_panics.load(SeqCst), "the store panics");
            self.pass("reads a checkpoint")?;
            self.inner.checkpoint(projection).await
        })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            self.pass("loads documents")?;
            if self.faults.loads_fail.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(away("loads documents"));
            }
            self.faults.loads.fetch_add(1, SeqCst);
            take(&self.faults.load_millis).await;
            assert!(!self.faults.panics.load(SeqCst), "the store panics");
            self.inner.load(projection, keys).await
        })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        Box::pin(async move {
            let Checkpoint { standing, partitions, position, .. } = commit.checkpoint;
            self.faults.commits_back.fetch_add(usize::from(position < commit.expected), SeqCst);
            self.wait(format!("commits {projection}: {standing}, {partitions}")).await;
            if self.is_claim(projection, &commit).await {
                self.pass("claims a projection")?;
                return self.inner.commit(projection, commit).await;
            }
            let _ = self.faults.open.subscribe().wait_for(|open| *open).await;
            take(&self.faults.commit_millis).await;
            self.faults.commits.fetch_add(1, SeqCst);
            if !commit.documents.is_empty() {
                self.faults.batches.fetch_add(1, SeqCst);
            }
            if self.faults.away.load(SeqCst) {
                return Err(away("commits").into());
            }
            match self.fate() {
                Fate::Done => self.inner.commit(projection, commit).await,
                Fate::FailedBefore => Err(away("commits").into()),
                Fate::AnswerLost => {
                    self.inner.commit(projection, commit).await?;
                    Err(away("commits").into())
                }
                Fate::Late(millis) => {
                    let (inner, projection) = (self.inner.clone(), projection.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
                        let _: Result<_, _> = inner.commit(&projection, commit).await;
                    });
                    Err(away("commits").into())
                }
                Fate::Twice => {
                    let first = self.inner.commit(projection, commit.clone()).await;
                    let _: Result<_, _> = self.inner.commit(projection, commit).await;
                    first
                }
            }
        })
    }

    /// Each meets a fate of its own.
    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        Box::pin(async move {
            if batches.iter().any(|(_, commit)| !commit.documents.is_empty()) {
                self.faults.together.fetch_add(1, SeqCst);
                assert!(!self.faults.panics.load(SeqCst), "the store panics");
            }
            commit_each(self, batches).await
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            self.faults.gets.fetch_add(1, SeqCst);
            if self.faults.away.load(SeqCst) {
                return Err(away("reads a document"));
            }
            let read = self.inner.get(projection, key).await;
            let until = self.faults.late_answer.lock().unwrap().take();
            if let Some(position) = until {
                let mut progress = self.inner.watch(projection);
                let there =
                    progress.wait_for(|at| at.is_some_and(|checkpoint| checkpoint.position >= position));
                there.await.unwrap();
            }
            read
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        self.faults.finds.fetch_add(1, SeqCst);
        self.inner.find(projection, find)
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        Box::pin(async move {
            self.pass("reads what is parked")?;
            self.inner.parked_sequences(projection).await
        })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        self.inner.dead_letters(projection, of, after, limit)
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        self.faults.builds.fetch_add(1, SeqCst);
        Box::pin(async move {
            self.wait(format!("lists builds of {name}")).await;
            self.inner.builds(name).await
        })
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.wait(format!("removes {projection}")).await;
            self.inner.remove(projection).await
        })
    }

    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.inner.watch(projection)
    }
}
