use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::Request,
};
use cqrs_core::{
    envelope::{CommandId, Json, LogId, Position, RecordedEvent, StreamId},
    memory::{MemoryEventStore, MemoryViewStore},
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Build, Checkpoint, Commit, CommitError,
        CoordinationStore, DeadLetter, Entry, Error, EventFilter, EventStore, Find, Load, Loaded, LogPage,
        ProjectionId, ProjectionSpec, Read, RecordedCommand, Sequence, Snapshot, SnapshotStore,
        StoredDocument, StreamRead, ViewStore,
    },
};
use order_service::Role;
use serde_json::json;
use tokio::{sync::watch, time::Instant};

use crate::{
    client::{Client, Reply, order_of},
    health::eventually,
};

/// A store with a switch.
#[derive(Clone, Debug)]
struct Faulty<S> {
    store: S,
    fault: Arc<AtomicU8>,
}

const AWAY: u8 = 1;
const HANGS: u8 = 2;
const PANICS: u8 = 3;

impl<S> Faulty<S> {
    fn new(store: S) -> Self {
        Self { store, fault: Arc::default() }
    }

    fn set(&self, fault: u8) {
        self.fault.store(fault, Ordering::SeqCst);
    }

    fn guard<'a, T: Send + 'a, E: From<Error> + Send + 'a>(
        &self,
        call: BoxFuture<'a, Result<T, E>>,
    ) -> BoxFuture<'a, Result<T, E>> {
        match self.fault.load(Ordering::SeqCst) {
            AWAY => Box::pin(async { Err(Error::unavailable("is unplugged", "by a test").into()) }),
            HANGS => Box::pin(std::future::pending()),
            PANICS => Box::pin(async { panic!("on purpose") }),
            _ => call,
        }
    }
}

impl SnapshotStore for Faulty<MemoryEventStore> {
    fn snapshot<'a>(
        &'a self,
        stream: &'a StreamId,
        fingerprint: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        self.guard(self.store.snapshot(stream, fingerprint))
    }
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        self.guard(self.store.save_snapshot(snapshot))
    }
    fn drop_snapshots<'a>(&'a self, category: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        self.guard(self.store.drop_snapshots(category))
    }
}

impl EventStore for Faulty<MemoryEventStore> {
    fn log_id(&self) -> LogId {
        self.store.log_id()
    }
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        self.guard(self.store.append(append))
    }
    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        self.guard(self.store.load(load))
    }
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        self.guard(self.store.read_stream(stream, read, limit))
    }
    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        self.guard(self.store.read_log(after, filter, limit))
    }
    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        self.guard(self.store.head())
    }
    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        self.guard(self.store.command(id))
    }
    fn watch(&self) -> watch::Receiver<Position> {
        self.store.watch()
    }
}

impl CoordinationStore for Faulty<MemoryViewStore> {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        self.guard(self.store.entries(group))
    }
    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        self.guard(self.store.put_entry(group, key, expected, value))
    }
    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        self.guard(self.store.touch_entries(group, held))
    }
    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.guard(self.store.remove_entry(group, key, expected))
    }
}

impl ViewStore for Faulty<MemoryViewStore> {
    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        self.guard(self.store.prepare(projection))
    }
    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        self.guard(self.store.checkpoint(projection))
    }
    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        self.guard(self.store.load(projection, keys))
    }
    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        self.guard(self.store.commit(projection, commit))
    }
    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        self.guard(self.store.get(projection, key))
    }
    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        self.guard(self.store.find(projection, find))
    }
    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        self.guard(self.store.parked_sequences(projection))
    }
    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        self.guard(self.store.dead_letters(projection, of, after, limit))
    }
    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        self.guard(self.store.builds(name))
    }
    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        self.guard(self.store.remove(projection))
    }
    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        self.store.watch(projection)
    }
}

struct Stage {
    events: Faulty<MemoryEventStore>,
    views: Faulty<MemoryViewStore>,
    /// Takes commands.
    command: Client,
    /// Answers queries.
    query: Client,
}

async fn stage() -> Stage {
    let (events, views) = (Faulty::new(MemoryEventStore::new()), Faulty::new(MemoryViewStore::new()));
    let command = Client::start(Role::Command, Some(Arc::new(events.clone())), None).await;
    let query = Client::start(Role::Query, None, Some(Arc::new(views.clone()))).await;
    Stage { events, views, command, query }
}

const COMMANDS: [&str; 3] = ["/orders", "/orders/o1/confirm", "/orders/o1/cancel"];
const QUERIES: [&str; 3] = ["/orders/o1", "/customers/ada", "/customers/ada/orders"];

async fn send(client: &Client, path: &str) -> Reply {
    let mut body = order_of("o9", "ada");
    body["reason"] = json!("x");
    client.post(path, &body).await
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable_and_back_when_it_is_back() {
    let Stage { events, views, command, query } = stage().await;
    command.place("o1", "ada").await;
    events.set(AWAY);
    views.set(AWAY);
    for path in COMMANDS {
        let reply = send(&command, path).await;
        reply.problem(503, "write_store_unavailable");
        assert_eq!(reply.header("retry-after"), "1");
    }
    command.get("/orders/o1/history").await.problem(503, "write_store_unavailable");
    for path in QUERIES {
        let reply = query.get(path).await;
        reply.problem(503, "read_store_unavailable");
        assert_eq!(reply.header("retry-after"), "1");
    }
    for (client, store) in [(&command, "write_store"), (&query, "read_store")] {
        let problem = client.get("/health/ready").await.problem(503, "not_ready");
        assert_eq!(problem[store]["state"], "down");
        assert!(problem[store]["reason"].as_str().unwrap().contains("by a test"), "{problem}");
        assert_eq!(client.get("/health/live").await.status, 200);
    }
    events.set(0);
    views.set(0);
    assert_eq!(command.confirm("o1").await.status, 200);
    assert_eq!(query.get("/customers/ada").await.status, 200);
}

#[tokio::test]
async fn what_went_wrong_last_is_shown_when_all_is_well_again() {
    let (events, views) = (Faulty::new(MemoryEventStore::new()), Faulty::new(MemoryViewStore::new()));
    let projector =
        Client::start(Role::Projector, Some(Arc::new(events)), Some(Arc::new(views.clone()))).await;
    let query = Client::start(Role::Query, None, Some(Arc::new(views.clone()))).await;
    let all = async |is: &dyn Fn(&Reply) -> bool| {
        eventually("both say so", async || {
            is(&projector.get("/health/ready").await) && is(&query.get("/health/ready").await)
        })
        .await;
    };
    let each = |reply: &Reply, is: &dyn Fn(&serde_json::Value) -> bool| {
        reply.json()["projections"].as_array().unwrap().iter().all(is)
    };
    all(&|reply| reply.status == 200 && each(reply, &|it| it["last_error"].is_null())).await;
    views.set(AWAY);
    all(&|reply| reply.status == 503 && each(reply, &|it| it["last_error"].is_object())).await;
    views.set(0);
    all(&|reply| reply.status == 200).await;
    for client in [&projector, &query] {
        for projection in client.get("/health/ready").await.json()["projections"].as_array().unwrap() {
            let last = &projection["last_error"];
            assert!(last["error"].as_str().unwrap().contains("by a test"), "{projection}");
            last["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_does_not_hang_a_request() {
    let Stage { events, views, command, query } = stage().await;
    events.set(HANGS);
    views.set(HANGS);
    // The clock is the runtime's own: it jumps ahead when nothing else is left to do.
    let bounded = async |reply: BoxFuture<'_, Reply>, code: &str| {
        let asked = Instant::now();
        let problem = reply.await.problem(503, code);
        assert!(asked.elapsed() <= Duration::from_secs(40), "{problem}");
        problem
    };
    for path in COMMANDS {
        bounded(Box::pin(send(&command, path)), "write_store_unavailable").await;
    }
    bounded(Box::pin(command.get("/orders/o1/history")), "write_store_unavailable").await;
    let patient = [("Consistency-Timeout", "30s")];
    for path in QUERIES {
        bounded(Box::pin(query.get_with(path, &patient)), "read_store_unavailable").await;
    }
    for (client, store) in [(&command, "write_store"), (&query, "read_store")] {
        assert_eq!(bounded(Box::pin(client.get("/health/ready")), "not_ready").await[store]["state"], "down");
    }
}

#[tokio::test(start_paused = true)]
async fn whether_all_is_well_is_told_in_the_time_that_one_store_has_also_where_all_of_them_hang() {
    let (events, views) = (Faulty::new(MemoryEventStore::new()), Faulty::new(MemoryViewStore::new()));
    let all = Client::start(Role::All, Some(Arc::new(events.clone())), Some(Arc::new(views.clone()))).await;
    events.set(HANGS);
    views.set(HANGS);
    let asked = Instant::now();
    let problem = all.get("/health/ready").await.problem(503, "not_ready");
    let took = asked.elapsed();
    assert_eq!(
        (&problem["write_store"]["state"], &problem["read_store"]["state"]),
        (&json!("down"), &json!("down"))
    );
    assert!(took < Duration::from_secs(3), "it took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_live_view_tells_of_an_outage_and_of_its_end() {
    let Stage { views, query, .. } = stage().await;
    let mut live = query.watch("/orders/o1/live", &[]).await;
    live.event("view").await;
    for fault in [AWAY, HANGS, AWAY] {
        views.set(fault);
        let told = live.event("problem").await;
        assert_eq!(told.json()["code"], "read_store_unavailable", "{told:?}");
        assert!(told.id.is_empty(), "it is nothing to go on after: {told:?}");
        query.get("/orders/o1/live").await.problem(503, "read_store_unavailable");
        views.set(0);
        assert!(live.event("view").await.json()["view"].is_null());
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_of_one_request_alone() {
    let Stage { views, query, .. } = stage().await;
    views.set(PANICS);
    let problem = query.get("/orders/o1").await.problem(500, "internal");
    assert!(!problem.to_string().contains("on purpose"));
    views.set(0);
    query.get("/orders/o1").await.problem(404, "order_not_found");
}

#[tokio::test]
async fn a_failure_of_the_store_is_not_remembered_with_the_key() {
    let Stage { events, command, .. } = stage().await;
    let key = &[("Idempotency-Key", "k")];
    events.set(AWAY);
    command.post_with("/orders", key, &order_of("o1", "ada")).await.problem(503, "write_store_unavailable");
    events.set(0);
    assert_eq!(command.post_with("/orders", key, &order_of("o1", "ada")).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_given_up() {
    let Stage { command, .. } = stage().await;
    let request = Request::post("/orders").body(Body::new(NeverComing)).unwrap();
    command.send(request).await.problem(408, "body_timeout");
}

struct NeverComing;

impl HttpBody for NeverComing {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        Poll::Pending
    }
}
