//! What comes out of a window is what the log would have answered.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::watch;

use super::{Answer, Follower, SharedLog, chain::MOST_EVENTS, union::union};
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
        let follower = Arc::new(shared.follow(Arc::clone(&filter)));
        Self { follower, filter, at: Position::ZERO, last: None }
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

/// Numbers that look random.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % sides
    }
}

const CATEGORIES: [&str; 4] = ["order", "payment", "refund", "rare"];

#[tokio::test]
async fn pages_are_those_of_the_log_whoever_has_read_them() {
    let (mut taken, mut for_free) = (0, 0);
    for seed in 0..60 {
        let (shelf, mut roll) = (Shelf::new(), dice(seed));
        let shared = SharedLog::of(shelf.clone());
        let choices: [&[&str]; 5] = [&["order"], &["order", "payment"], &CATEGORIES, &["rare"], &["missing"]];
        let mut walkers: Vec<Walker> =
            (0..8).map(|nth| Walker::of(&shared, choices[nth % choices.len()])).collect();
        for _ in 0..200 {
            match roll(8) {
                0 | 1 => {
                    let count = roll(30);
                    let some: Vec<&str> = (0..count).map(|_| CATEGORIES[roll(7).min(3)]).collect();
                    shelf.fill(&some).await;
                }
                2 if roll(10) == 0 => {
                    let nth = roll(walkers.len());
                    walkers[nth] = Walker::of(&shared, choices[roll(choices.len())]);
                }
                _ => {
                    let (nth, limit) = (roll(walkers.len()), 1 + roll(12));
                    let reads = shelf.reads();
                    walkers[nth].read(&shelf, limit).await;
                    taken += 1;
                    for_free += usize::from(shelf.reads() == reads);
                }
            }
        }
    }
    assert!(for_free > taken / 10, "{for_free} of {taken} pages came from a window");
}

#[tokio::test]
async fn one_alone_reads_what_it_wants_and_no_more() {
    let shelf = Shelf::new();
    shelf.fill(&["order", "payment", "order", "payment"]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walker = Walker::of(&shared, &["order"]);
    for _ in 0..3 {
        walker.read(&shelf, 1).await;
    }
    let reads = shelf.reads.lock().expect("no test panics with it").clone();
    let own = |after| (Position::new(after), (*of(&["order"])).clone(), 1);
    assert_eq!(reads, [own(0), own(1), own(3)]);
}

#[tokio::test]
async fn ten_read_the_log_about_as_often_as_one() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 1_000]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..10).map(|_| Walker::of(&shared, &["order"])).collect();
    while walkers[9].at < Position::new(1_000) {
        for walker in &mut walkers {
            walker.read(&shelf, 10).await;
        }
    }
    assert!((100..=112).contains(&shelf.reads()), "{} reads of 100 pages", shelf.reads());
}

#[tokio::test]
async fn who_wants_little_goes_ahead_alone() {
    let shelf = Shelf::new();
    let events: Vec<&str> = (0..60_000).map(|nth| if nth % 600 == 0 { "rare" } else { "order" }).collect();
    shelf.fill(&events).await;
    let shared = SharedLog::of(shelf.clone());
    let mut many: Vec<Walker> = (0..3).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut many {
        walker.read(&shelf, 100).await;
    }
    let mut few = Walker::of(&shared, &["rare"]);
    let before = shelf.reads();
    while few.at < Position::new(60_000) {
        few.read(&shelf, 10).await;
    }
    assert!(shelf.reads() - before <= 10 + 1 + 4 * 5, "{} reads", shelf.reads() - before);
}

#[tokio::test]
async fn a_window_is_bounded() {
    let shelf = Shelf::new();
    shelf.fill(&vec!["order"; 2 * MOST_EVENTS]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut slow = Walker::of(&shared, &["order"]);
    let mut quick = Walker::of(&shared, &["order"]);
    slow.read(&shelf, 1_000).await;
    let mut kept = 0;
    while quick.at < Position::new(2 * MOST_EVENTS as u64) {
        quick.read(&shelf, 1_000).await;
        let windows = shared.windows();
        kept = kept.max(windows.iter().map(|window| window.chain().len()).sum());
    }
    assert!((MOST_EVENTS - 1_000..=MOST_EVENTS).contains(&kept), "{kept} events kept");
    // The slow one has lost them, and misses nothing.
    while slow.at < quick.at {
        slow.read(&shelf, 1_000).await;
    }
    drop((slow, quick));
    assert!(shared.windows().is_empty(), "nothing is kept for nobody");
}

#[tokio::test]
async fn a_page_larger_than_a_window_is_shared_all_the_same() {
    let shelf = Shelf::new();
    shelf.fill(&vec!["order"; MOST_EVENTS + 5_000]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..3).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut walkers {
        walker.read(&shelf, usize::MAX).await;
        walker.read(&shelf, usize::MAX).await;
    }
    assert!(shelf.reads() <= 6, "{} reads", shelf.reads());
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

#[tokio::test]
async fn a_log_that_was_put_back_shows_where_the_window_ends() {
    let shelf = Shelf::new();
    let (shared, first, mut second) = two_at(&shelf).await;
    let reads = shelf.reads();
    second.read(&shelf, 5).await;
    assert_eq!(shelf.reads(), reads, "the test is about a page from a window");
    shelf.put_back(7).await;
    shelf.fill(&["order"; 10]).await;
    for walker in [&first, &second] {
        let page = walker.follower.read(walker.at, 5, Position::new(17)).await.expect("it is there").page;
        assert_ne!(page.before, walker.last);
        assert_eq!(page.before, events(&shelf.now()).await.get(9).map(|event| event.event_id));
        assert_eq!(page.head, Position::new(17));
    }
    // Also one that is told nothing, and finds the log shorter.
    shelf.put_back(3).await;
    let page = second.follower.read(second.at, 5, Position::ZERO).await.expect("it is there").page;
    assert_eq!((page.before, page.head), (None, Position::new(3)));
    drop(shared);
}

#[tokio::test]
async fn nobody_begins_with_what_was_read_before_a_log_was_put_back() {
    let shelf = Shelf::new();
    let (shared, _first, _second) = two_at(&shelf).await;
    shelf.put_back(7).await;
    shelf.fill(&["order"; 3]).await;
    let mut third = Walker::of(&shared, &["order"]);
    third.at = Position::new(5);
    third.read(&shelf, 5).await;
    assert_eq!(third.at, Position::new(10));
}

#[tokio::test]
async fn what_is_read_beyond_a_window_is_of_the_same_log() {
    let shelf = Shelf::new();
    let events: Vec<&str> = (0..2_000).map(|nth| if nth % 300 == 299 { "rare" } else { "order" }).collect();
    shelf.fill(&events).await;
    let shared = SharedLog::of(shelf.clone());
    let (mut few, mut many) = (Walker::of(&shared, &["rare"]), Walker::of(&shared, &["order"]));
    few.read(&shelf, 1).await;
    many.read(&shelf, 100).await;
    // Of its page, four reads for both have nothing; before the one that it makes alone, the log is put back.
    let (read, to, then) = (shelf.reads() + 5, 310, vec!["rare"; 2_000]);
    *shelf.trouble.lock().expect("no test panics with it") = Some(Trouble { read, to, then });
    let page = few.follower.read(few.at, 4, Position::new(2_000)).await.expect("it is there").page;
    let positions: Vec<u64> = page.events.iter().map(|event| event.position.get()).collect();
    assert_eq!((positions, page.through), (vec![311, 312, 313, 314], Position::new(314)));
    assert!(shelf.trouble.lock().expect("no test panics with it").is_none());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_the_head_looks_again_and_again() {
    let shelf = Shelf::new();
    let (_shared, mut first, mut second) = two_at(&shelf).await;
    let seen = second.read(&shelf, 5).await.look.number;
    for round in 1..=10 {
        tokio::time::advance(std::time::Duration::from_millis(250)).await;
        for walker in [&mut first, &mut second] {
            assert_eq!(walker.read(&shelf, 5).await.look.number, seen + round, "one look for both");
        }
    }
}

async fn waiting(shelf: &Shelf, count: usize) {
    while shelf.waiting.load(SeqCst) < count {
        tokio::task::yield_now().await;
    }
    // The others come as far as they can.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

type Reading = tokio::task::JoinHandle<Result<Answer, Error>>;

/// Ten at the head who are told of an event, and ask for it all at once; the log does not answer.
async fn ten_waiting(shelf: &Arc<Shelf>) -> (Vec<Walker>, Vec<Reading>) {
    shelf.fill(&["order"; 10]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..10).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut walkers {
        walker.read(shelf, 100).await;
    }
    for walker in &mut walkers {
        walker.read(shelf, 100).await;
    }
    shelf.fill(&["order"]).await;
    shelf.answered.send_replace(0);
    shelf.reads.lock().expect("no test panics with it").clear();
    let reading = walkers.iter().map(|walker| {
        let (follower, at) = (Arc::clone(&walker.follower), walker.at);
        tokio::spawn(async move { follower.read(at, 100, Position::new(11)).await })
    });
    let reading = reading.collect();
    waiting(shelf, 1).await;
    (walkers, reading)
}

async fn all_have_it(reading: Vec<Reading>) {
    for reading in reading {
        let answer = reading.await.expect("it does not panic").expect("the log is there");
        assert_eq!((answer.page.events.len(), answer.page.through.get()), (1, 11));
    }
}

#[tokio::test]
async fn at_the_head_one_reads_for_all() {
    let shelf = Shelf::new();
    let (_walkers, reading) = ten_waiting(&shelf).await;
    assert_eq!(shelf.reads(), 1);
    shelf.answered.send_replace(usize::MAX);
    all_have_it(reading).await;
    assert_eq!(shelf.reads(), 1);
}

#[tokio::test]
async fn when_the_one_who_reads_gives_up_another_one_reads() {
    let shelf = Shelf::new();
    let (_walkers, mut reading) = ten_waiting(&shelf).await;
    for _ in 0..3 {
        reading.remove(0).abort();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(shelf.reads(), 4);
    shelf.answered.send_replace(usize::MAX);
    all_have_it(reading).await;
    assert_eq!(shelf.reads(), 4);
}

#[tokio::test]
async fn when_a_read_fails_all_find_out_at_once() {
    let shelf = Shelf::new();
    let (_walkers, reading) = ten_waiting(&shelf).await;
    shelf.away.store(true, SeqCst);
    shelf.answered.send_replace(1);
    waiting(&shelf, 9).await;
    assert_eq!(shelf.reads(), 10);
    shelf.answered.send_replace(10);
    for reading in reading {
        let error = reading.await.expect("it does not panic").expect_err("the log is away");
        assert!(error.is_retryable());
    }
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
