//! What the tests share: waiting for conditions, events by hand, and the fold from scratch that views must equal.

use std::{cell::Cell, collections::BTreeMap, sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    app::App,
    domain::{Feeds, Projection, SchemaVersion, State},
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
    runtime::{ProjectionHealth, ProjectionState},
    store::{
        Append, AppendOutcome, Condition, EventFilter, EventStore, NewEvent, Partition, Past, ProjectionId,
        StoredDocument, ViewStore,
    },
};

use crate::faults::{FaultyLog, FaultyViews};

thread_local! {
    static MENDED: Cell<bool> = const { Cell::new(false) };
}

/// For as long as it is there, handlers that are broken are mended, in this thread: in it runs one test, with all of its
/// applications.
#[must_use]
pub struct Mended(());

impl Mended {
    pub fn new() -> Self {
        MENDED.set(true);
        Self(())
    }
}

impl Drop for Mended {
    fn drop(&mut self) {
        MENDED.set(false);
    }
}

pub fn is_mended() -> bool {
    MENDED.get()
}

/// What a handler does that is broken.
pub fn assert_mended() {
    assert!(is_mended(), "the handler is broken");
}

/// Looks again and again until it holds. The limit only keeps a broken build from hanging.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(std::time::Instant::now() < limit, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub fn health_of<P: Projection>(app_health: &[ProjectionHealth]) -> ProjectionHealth {
    let id = ProjectionId::of::<P>();
    app_health.iter().find(|health| health.projection == id).unwrap().clone()
}

pub async fn health<P: Projection>(app: &App) -> ProjectionHealth {
    health_of::<P>(&app.health().await.projections)
}

/// The partitions that an application runs.
pub async fn runs<P: Projection>(app: &App) -> Vec<Partition> {
    let health = health::<P>(app).await;
    let here = health.partitions.iter().filter(|partition| partition.is_here);
    here.map(|partition| partition.partition).collect()
}

/// How far all partitions are that an application runs.
pub async fn applied_here<P: Projection>(app: &App) -> Option<Position> {
    let health = health::<P>(app).await;
    let here = health.partitions.iter().filter(|partition| partition.is_here);
    here.map(|partition| partition.applied).min()
}

/// Waits until a projection has applied all that is in the log now.
pub async fn caught_up<P: Projection>(log: &dyn EventStore, views: &dyn ViewStore) {
    let head = log.head().await.unwrap();
    let id = ProjectionId::of::<P>();
    let mut progress = views.watch(&id);
    let there = progress
        .wait_for(|checkpoint| checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position) >= head);
    tokio::time::timeout(Duration::from_mins(10), there).await.expect("it catches up").unwrap();
}

/// Has a projection begun by another application, so that the next one has to look which documents are there.
pub async fn begun<P: Projection>(log: &FaultyLog, views: &FaultyViews) {
    append(log, &account_stream("begun"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    let app = App::builder(log.clone()).projection::<P>(views.clone()).build().await.unwrap();
    caught_up::<P>(log, views).await;
    app.shutdown().await;
    log.faults.reads.lock().unwrap().clear();
    views.faults.commits.store(0, SeqCst);
}

pub async fn halted<P: Projection>(app: &App) -> String {
    let mut why = String::new();
    eventually("the projection halts", async || {
        if let ProjectionState::Halted { reason } = health::<P>(app).await.state {
            why = reason;
        }
        !why.is_empty()
    })
    .await;
    why
}

/// An append by hand, past all commands.
pub fn by_hand(stream: &StreamId, events: &[(&str, &str)]) -> Append {
    let event = |(name, data): &(&str, &str)| NewEvent {
        event_id: EventId::generate(),
        stream: stream.clone(),
        name: (*name).to_owned().into(),
        schema_version: SchemaVersion::FIRST,
        data: Json::from_text((*data).to_owned()).unwrap(),
    };
    Append {
        conditions: Vec::<Condition>::new(),
        past: Past::UNKNOWN,
        events: events.iter().map(event).collect(),
        metadata: Metadata::of_command(CommandId::generate(), jiff::Timestamp::now()).for_events(),
        command: None,
    }
}

pub async fn append(log: &dyn EventStore, stream: &StreamId, events: &[(&str, &str)]) -> Position {
    match log.append(by_hand(stream, events)).await.unwrap() {
        AppendOutcome::Appended(appended) => appended.position,
        AppendOutcome::Repeated(_) => unreachable!("it has no command id"),
    }
}

pub fn account_stream(id: &str) -> StreamId {
    StreamId::new("account", id).unwrap()
}

pub async fn all_events(log: &dyn EventStore) -> Vec<RecordedEvent> {
    log.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.unwrap().events
}

/// Each stream's versions and the log's positions follow each other without holes, and each event is there once.
pub async fn assert_valid(log: &dyn EventStore) {
    let events = all_events(log).await;
    let mut versions: BTreeMap<StreamId, Version> = BTreeMap::new();
    let mut ids = std::collections::HashSet::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position.get(), index as u64 + 1);
        let version = versions.entry(event.stream.clone()).or_default();
        *version = version.plus(1);
        assert_eq!(event.version, *version, "{}", event.stream);
        assert!(ids.insert(event.event_id));
    }
}

/// What the documents of `P` have to be: one event after the other, each document on its own.
pub async fn from_scratch<P: Projection>(log: &dyn EventStore) -> BTreeMap<String, StoredDocument> {
    struct Kept<P> {
        state: State<P>,
        created: Position,
        applied: Position,
    }
    let feeds = Feeds::<P>::of();
    let mut kept: BTreeMap<String, Kept<P>> = BTreeMap::new();
    for event in all_events(log).await {
        let Some(feed) = feeds.of_event(event.stream.category(), &event.name) else { continue };
        if feed.ignores(&event.name) {
            continue;
        }
        let fed = feed.decode(&event.name, event.schema_version, &event.data).unwrap();
        let mut keys = Vec::new();
        fed.route(event.stream.id(), &mut keys).unwrap();
        keys.sort();
        keys.dedup();
        for key in keys {
            let before = kept.remove(&key.to_string()).unwrap_or(Kept {
                state: State::Absent,
                created: Position::ZERO,
                applied: Position::ZERO,
            });
            let existed = matches!(before.state, State::Present(_));
            let state = fed.fold(before.state, &event.metadata).unwrap();
            let created =
                if !existed && matches!(state, State::Present(_)) { event.position } else { before.created };
            kept.insert(key.to_string(), Kept { state, created, applied: event.position });
        }
    }
    kept.into_iter()
        .map(|(key, Kept { state, created, applied })| {
            let data = state.present().map(|view| Json::of(&view).unwrap());
            (key.clone(), StoredDocument { key, created, applied, data })
        })
        .collect()
}

/// The stored documents of `P` are the fold from scratch, traces of removed ones included.
pub async fn assert_equals_a_fold_from_scratch<P: Projection>(log: &dyn EventStore, views: &dyn ViewStore) {
    let wanted = from_scratch::<P>(log).await;
    let keys: Vec<String> = wanted.keys().cloned().collect();
    let stored = views.load(&ProjectionId::of::<P>(), &keys).await.unwrap();
    let stored: BTreeMap<String, StoredDocument> =
        stored.into_iter().map(|document| (document.key.clone(), document)).collect();
    let texts = |documents: &BTreeMap<String, StoredDocument>| -> Vec<String> {
        documents
            .values()
            .map(|StoredDocument { key, created, applied, data }| {
                format!("{key} {created} {applied} {}", data.as_ref().map_or("removed", Json::as_str))
            })
            .collect()
    };
    assert_eq!(texts(&stored), texts(&wanted));
}
