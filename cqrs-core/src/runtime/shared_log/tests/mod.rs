//! What comes out of a window is what the log would have answered.

mod expected;
mod head;
mod put_back;
mod sharing;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::watch;

use super::{Answer, Follower, SharedLog, union::union};
use crate::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, LogId, Metadata, Position, RecordedEvent, StreamId},
    memory::MemoryEventStore,
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, EventStore, Load, Loaded, LogPage,
        NewEvent, Past, RecordedCommand, Selector, Snapshot, SnapshotStore, StreamRead,
    },
};

/// A log that can be put back, counts how often it is read, and keeps its readers waiting.
#[derive(Debug)]
struct Shelf {
    log: Mutex<MemoryEventStore>,
    reads: Mutex<Vec<(Position, EventFilter, usize)>>,
    waiting: AtomicUsize,
    /// So many reads, since they were counted, are answered.
    answered: watch::Sender<usize>,
    away: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
}

/// Before the read with this number, the log is put back, and gets other events.
#[derive(Debug)]
struct Trouble {
    read: usize,
    to: usize,
    then: Vec<&'static str>,
}

impl Shelf {
    fn new() -> Arc<Self> {
        let (log, reads, waiting) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let answered = watch::Sender::new(usize::MAX);
        let (away, trouble) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Self { log, reads, waiting, answered, away, trouble })
    }

    fn now(&self) -> MemoryEventStore {
        self.log.lock().expect("no test panics with it").clone()
    }

    fn reads(&self) -> usize {
        self.reads.lock().expect("no test panics with it").len()
    }

    async fn fill(&self, categories: &[&str]) {
        let event = |category: &&str| new_event(EventId::generate(), category);
        append(&self.now(), categories.iter().map(event).collect()).await;
    }

    /// Only the first so many events are left.
    async fn put_back(&self, to: usize) {
        let kept = events(&self.now()).await.into_iter().take(to);
        let log = MemoryEventStore::new();
        append(&log, kept.map(|event| new_event(event.event_id, event.stream.category())).collect()).await;
        *self.log.lock().expect("no test panics with it") = log;
    }
}

fn new_event(event_id: EventId, category: &str) -> NewEvent {
    NewEvent {
        event_id,
        stream: StreamId::new(category, "1").expect("a good name"),
        name: "noted".into(),
        schema_version: SchemaVersion::FIRST,
        data: Json::from_store("{}"),
    }
}

async fn append(log: &MemoryEventStore, events: Vec<NewEvent>) {
    for events in events.chunks(1_000) {
        let append = Append {
            conditions: Vec::new(),
            past: Past::UNKNOWN,
            events: events.to_vec(),
            metadata: Metadata::of_command(CommandId::generate(), jiff::Timestamp::now()),
            command: None,
        };
        log.append(append).await.expect("a log in memory takes it");
    }
}

async fn events(log: &MemoryEventStore) -> Vec<RecordedEvent> {
    log.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.expect("it is in memory").events
}

impl EventStore for Shelf {
    fn log_id(&self) -> LogId {
        self.now().log_id()
    }

    fn append(&self, _: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>> {
        unreachable!("only read")
    }

    fn load<'a>(&'a self, _: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>> {
        unreachable!("only read")
    }

    fn read_stream<'a>(
        &'a self,
        _: &'a StreamId,
        _: StreamRead,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>> {
        unreachable!("only read")
    }

    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move {
            let nth = {
                let mut reads = self.reads.lock().expect("no test panics with it");
                reads.push((after, filter.clone(), limit));
                reads.len()
            };
            self.waiting.fetch_add(1, SeqCst);
            let answered = self.answered.subscribe().wait_for(|answered| nth <= *answered).await.map(|_| ());
            answered.expect("the sender is here");
            self.waiting.fetch_sub(1, SeqCst);
            let trouble =
                self.trouble.lock().expect("no test panics with it").take_if(|trouble| trouble.read == nth);
            if let Some(Trouble { to, then, .. }) = trouble {
                self.put_back(to).await;
                self.fill(&then).await;
            }
            if self.away.load(SeqCst) {
                return Err(Error::unavailable("reads the log", "the test took it away"));
            }
            self.now().read_log(after, filter, limit).await
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, Error>> {
        unreachable!("only read")
    }

    fn command(&self, _: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>> {
        unreachable!("only read")
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.now().watch()
    }
}

impl SnapshotStore for Shelf {
    fn snapshot<'a>(&'a self, _: &'a StreamId, _: u64) -> BoxFuture<'a, Result<Option<Snapshot>, Error>> {
        unreachable!("only read")
    }

    fn save_snapshot(&self, _: Snapshot) -> BoxFuture<'_, Result<(), Error>> {
        unreachable!("only read")
    }

    fn drop_snapshots<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        unreachable!("only read")
    }
}

fn of(categories: &[&str]) -> Arc<EventFilter> {
    let selector = |category: &&str| Selector {
        category: (*category).to_owned(),
        names: Some(vec!["noted".to_owned()]),
    };
    Arc::new(EventFilter { any_of: Some(categories.iter().map(selector).collect()) })
}

/// One who goes on from page to page.
struct Walker {
    follower: Arc<Follower>,
    filter: Arc<EventFilter>,
    at: Position,
    last: Option<EventId>,
}

impl Walker {
    fn of(shared: &Arc<SharedLog>, categories: &[&str]) -> Self {
        let filter = of(categories);
        Self::with(shared.follow(Arc::clone(&filter)), filter)
    }

    fn with(follower: Follower, filter: Arc<EventFilter>) -> Self {
        Self { follower: Arc::new(follower), filter, at: Position::ZERO, last: None }
    }

    /// Reads a page, and compares it with what the log says.
    async fn read(&mut self, shelf: &Shelf, limit: usize) -> Answer {
        let log = shelf.now();
        let told = *log.watch().borrow();
        let answer = self.follower.read(self.at, limit, told).await.expect("the log is there");
        let (page, all) = (&answer.page, events(&log).await);
        let head = usize::try_from(page.head.get()).expect("small");
        assert!(head <= all.len(), "no head that never was");
        assert!(answer.is_outrun || page.head >= told, "news are not forgotten");
        let id_at = |position: Position| {
            let index = position.get().checked_sub(1)?;
            Some(all[usize::try_from(index).expect("small")].event_id)
        };
        let wanted: Vec<&RecordedEvent> = all[..head]
            .iter()
            .filter(|event| {
                event.position > self.at && self.filter.picks(event.stream.category(), &event.name)
            })
            .take(limit)
            .collect();
        let through = if wanted.len() == limit { wanted[limit - 1].position } else { page.head };
        assert_eq!(page.events.iter().collect::<Vec<_>>(), wanted);
        assert_eq!((page.through, page.last), (through, id_at(through)));
        assert_eq!(page.before, id_at(self.at));
        (self.at, self.last) = (page.through, page.last);
        answer
    }
}

/// Two at the head, one of which has still to take what the other one has read.
async fn two_at(shelf: &Arc<Shelf>) -> (Arc<SharedLog>, Walker, Walker) {
    let shared = SharedLog::of(shelf.clone());
    let (mut first, mut second) = (Walker::of(&shared, &["order"]), Walker::of(&shared, &["order"]));
    shelf.fill(&["order"; 10]).await;
    for walker in [&mut first, &mut second] {
        walker.read(shelf, 5).await;
    }
    first.read(shelf, 5).await;
    (shared, first, second)
}

#[test]
fn a_union_picks_what_any_of_its_parts_picks() {
    let selector = |category: &str, names: Option<&[&str]>| Selector {
        category: category.to_owned(),
        names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    };
    let filter = |selectors: &[Selector]| Arc::new(EventFilter { any_of: Some(selectors.to_vec()) });
    let parts = [
        filter(&[selector("a", Some(&["x"])), selector("b", None)]),
        filter(&[selector("a", Some(&["y", "x"])), selector("b", Some(&["x"]))]),
        filter(&[selector("c", Some(&["x"])), selector("c", None), selector("c", Some(&["y"]))]),
        filter(&[]),
    ];
    let of = |parts: &[Arc<EventFilter>]| union(parts);
    for until in 0..=parts.len() {
        let all = of(&parts[..until]);
        for (category, name) in
            ["a", "b", "c", "d"].into_iter().flat_map(|one| ["x", "y", "z"].map(|name| (one, name)))
        {
            let any = parts[..until].iter().any(|part| part.picks(category, name));
            assert_eq!(all.picks(category, name), any, "{category} {name} of {until}");
        }
    }
    assert_eq!(of(&[filter(&[]), Arc::new(EventFilter::ALL)]), EventFilter::ALL);
}
