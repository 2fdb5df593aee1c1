use std::sync::Arc;

use cqrs_core::{
    envelope::{Json, Position},
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DataFormat, DeadLetter, Entry,
        Error, Find, ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore, commit_each,
    },
};
use cqrs_testkit::{conformance::Stores, tokio::sync::watch};

use crate::hook::Hook;

type Answer<T> = Result<Read<T>, Error>;
/// A store that keeps its promises.
pub(crate) type Sound = Arc<dyn ViewStore>;

type Do<I, O> = Option<Hook<Sound, I, O>>;

/// What became of each batch.
type Answers = Vec<Result<(), CommitError>>;

/// What dead letters are asked for.
pub(crate) type Listing = (ProjectionId, Option<Sequence>, Position, usize);
/// The group and key of an entry, its expected revision, and its new value.
pub(crate) type Putting = (String, String, u64, Json);
/// The group of entries, their keys and revisions.
pub(crate) type Touching = (String, Vec<(String, u64)>);

/// What takes the place of operations.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// A handle does not see what others write.
    pub(crate) alone: bool,
    /// Takes some projections for others.
    pub(crate) mistake: Option<fn(ProjectionId) -> ProjectionId>,
    pub(crate) prepare: Do<ProjectionSpec, Result<(), Error>>,
    pub(crate) checkpoint: Do<ProjectionId, Result<Option<Checkpoint>, Error>>,
    pub(crate) load: Do<(ProjectionId, Vec<String>), Result<Vec<StoredDocument>, Error>>,
    pub(crate) commit: Do<(ProjectionId, Commit), Result<(), CommitError>>,
    pub(crate) commit_all: Do<Vec<(ProjectionId, Commit)>, Answers>,
    pub(crate) get: Do<(ProjectionId, String), Answer<Option<StoredDocument>>>,
    pub(crate) find: Do<(ProjectionId, Find), Answer<Vec<StoredDocument>>>,
    pub(crate) parked_sequences: Do<ProjectionId, Result<Vec<Sequence>, Error>>,
    pub(crate) dead_letters: Do<Listing, Result<Vec<DeadLetter>, Error>>,
    pub(crate) builds: Do<String, Result<Vec<Build>, Error>>,
    pub(crate) remove: Do<ProjectionId, Result<(), Error>>,
    pub(crate) entries: Do<String, Result<Vec<Entry>, Error>>,
    pub(crate) put_entry: Do<Putting, Result<Option<u64>, Error>>,
    pub(crate) touch_entries: Do<Touching, Result<Vec<bool>, Error>>,
    pub(crate) remove_entry: Do<(String, String, u64), Result<bool, Error>>,
    pub(crate) watch: Option<watch::Receiver<Option<Checkpoint>>>,
}

/// A sound store, but for its faults.
pub(crate) struct Broken {
    sound: Sound,
    faults: Faults,
    /// Its data is there for as long as it is open.
    _place: Arc<Stores<dyn ViewStore>>,
}

impl Broken {
    pub(crate) async fn open(place: Arc<Stores<dyn ViewStore>>, faults: Faults) -> Self {
        let place = if faults.alone { Arc::new(place.elsewhere()) } else { place };
        Self { sound: place.open().await, faults, _place: place }
    }

    fn id(&self, projection: &ProjectionId) -> ProjectionId {
        self.faults.mistake.map_or_else(|| projection.clone(), |mistake| mistake(projection.clone()))
    }
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sound.fmt(f)
    }
}

impl CoordinationStore for Broken {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        match &self.faults.entries {
            Some(hook) => hook(self.sound.clone(), group.to_owned()),
            None => self.sound.coordination().entries(group),
        }
    }

    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        match &self.faults.put_entry {
            Some(hook) => hook(self.sound.clone(), (group.to_owned(), key.to_owned(), expected, value)),
            None => self.sound.coordination().put_entry(group, key, expected, value),
        }
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        match &self.faults.touch_entries {
            Some(hook) => hook(self.sound.clone(), (group.to_owned(), held.to_vec())),
            None => self.sound.coordination().touch_entries(group, held),
        }
    }

    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        match &self.faults.remove_entry {
            Some(hook) => hook(self.sound.clone(), (group.to_owned(), key.to_owned(), expected)),
            None => self.sound.coordination().remove_entry(group, key, expected),
        }
    }
}

impl ViewStore for Broken {
    fn format(&self) -> DataFormat {
        self.sound.format()
    }

    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        let spec = ProjectionSpec { id: self.id(&projection.id), ..projection.clone() };
        match &self.faults.prepare {
            Some(hook) => hook(self.sound.clone(), spec),
            None => Box::pin(async move { self.sound.prepare(&spec).await }),
        }
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        let id = self.id(projection);
        match &self.faults.checkpoint {
            Some(hook) => hook(self.sound.clone(), id),
            None => Box::pin(async move { self.sound.checkpoint(&id).await }),
        }
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        let id = self.id(projection);
        match &self.faults.load {
            Some(hook) => hook(self.sound.clone(), (id, keys.to_vec())),
            None => Box::pin(async move { self.sound.load(&id, keys).await }),
        }
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        let id = self.id(projection);
        match &self.faults.commit {
            Some(hook) => hook(self.sound.clone(), (id, commit)),
            None => Box::pin(async move { self.sound.commit(&id, commit).await }),
        }
    }

    fn commit_all(&self, batches: Vec<(ProjectionId, Commit)>) -> BoxFuture<'_, Answers> {
        let batches = batches.into_iter().map(|(id, commit)| (self.id(&id), commit)).collect();
        match (&self.faults.commit_all, &self.faults.commit) {
            (Some(hook), _) => hook(self.sound.clone(), batches),
            (None, Some(_)) => Box::pin(commit_each(self, batches)),
            (None, None) => self.sound.commit_all(batches),
        }
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        let id = self.id(projection);
        match &self.faults.get {
            Some(hook) => hook(self.sound.clone(), (id, key.to_owned())),
            None => Box::pin(async move { self.sound.get(&id, key).await }),
        }
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        let id = self.id(projection);
        match &self.faults.find {
            Some(hook) => hook(self.sound.clone(), (id, find.clone())),
            None => Box::pin(async move { self.sound.find(&id, find).await }),
        }
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        let id = self.id(projection);
        match &self.faults.parked_sequences {
            Some(hook) => hook(self.sound.clone(), id),
            None => Box::pin(async move { self.sound.parked_sequences(&id).await }),
        }
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        let id = self.id(projection);
        match &self.faults.dead_letters {
            Some(hook) => hook(self.sound.clone(), (id, of.cloned(), after, limit)),
            None => Box::pin(async move { self.sound.dead_letters(&id, of, after, limit).await }),
        }
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        match &self.faults.builds {
            Some(hook) => hook(self.sound.clone(), name.to_owned()),
            None => self.sound.builds(name),
        }
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        let id = self.id(projection);
        match &self.faults.remove {
            Some(hook) => hook(self.sound.clone(), id),
            None => Box::pin(async move { self.sound.remove(&id).await }),
        }
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.faults.watch.clone().unwrap_or_else(|| self.sound.watch(&self.id(projection)))
    }
}
