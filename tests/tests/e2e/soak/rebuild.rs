//! Views are built anew while commands come in and queries are answered, and the projector is killed in the middle.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use cqrs_core::{
    envelope::Position,
    operations::Operator,
    store::{
        After, Build, Checkpoint, Direction, Find, OrderBy, ProjectionId, Standing, StoredDocument, ViewStore,
    },
};
use fastrand::Rng;
use serde_json::Value;

use super::{Load, Run, verify::views_are_the_fold};
use crate::{
    deadline::eventually, http::Client, place::Place, projector::backlog, runtime::block_on,
    service::Service, stores::Stores,
};

const PROJECTIONS: [&str; 2] = ["order_summary", "customer_summary"];

/// Clients that ask all the time.
const READERS: usize = 3;

/// Far beyond what a rebuild takes.
const PATIENCE: Duration = Duration::from_mins(20);

/// Events that are in the log before.
const EVENTS: usize = 200_000;
const EVENTS_OF_CUT: usize = 20_000;

soak!(a_rebuild_under_load_is_not_noticed_and_goes_on_after_a_kill);

fn a_rebuild_under_load_is_not_noticed_and_goes_on_after_a_kill(stores: Stores) {
    let run = Run::begin("rebuild", Duration::from_secs(10));
    let mut rng = run.chances();
    let place = Place::new(stores);
    let events = run.of(EVENTS, EVENTS_OF_CUT);
    let head = backlog(&place, events / 2);
    let (command, query) = (place.start("command"), place.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut projector = Some(Run::projector(&place, "projector"));
    let views = place.open_views();
    let began = Instant::now();
    eventually_long("the views are built", || {
        let answer = query.get("/health/ready").send();
        run.tell(|| format!("the first build of {head} events"));
        (answer.status == 200 && PROJECTIONS.iter().all(|name| applied(&*views, name) >= head)).then_some(())
    });
    println!("{head} events were applied in {:.1?}", began.elapsed());

    let mut choosing = rng.fork();
    let token = Load::offer(&command, run.rate(), &mut rng, |load| {
        let readers: Vec<Rng> = (0..READERS).map(|_| choosing.fork()).collect();
        let stop = AtomicBool::new(false);
        let asked = AtomicU64::new(0);
        thread::scope(|scope| {
            let running: Vec<_> = readers
                .into_iter()
                .map(|rng| {
                    let (query, stop, asked) = (&query, &stop, &asked);
                    scope.spawn(move || Reader::new(query, load, rng).ask_until(stop, asked))
                })
                .collect();
            let stops = StopsReaders(&stop);
            let mut round = 1;
            loop {
                let is_read = || {
                    assert!(
                        !running.iter().any(thread::ScopedJoinHandle::is_finished),
                        "a reader has failed"
                    );
                    let (sent, asked) = (load.sent(), asked.load(Ordering::Relaxed));
                    format!("round {round}, {sent} commands, {asked} queries")
                };
                let rebuild = Rebuild { place: &place, views: &*views, run: &run, is_read: &is_read };
                rebuild.round(round, &mut projector, events, &mut choosing);
                if run.of(run.is_over(), true) {
                    break;
                }
                round += 1;
            }
            drop(stops);
            let longest =
                running.into_iter().map(|reader| reader.join().expect("a reader has not failed")).max();
            println!("{} queries, the longest took {longest:?}", asked.load(Ordering::Relaxed));
        });
    });
    views_are_the_fold(&place, &query, &token);
}

struct Rebuild<'a> {
    place: &'a Place,
    views: &'a dyn ViewStore,
    run: &'a Run,
    /// Says how it gets on; fails where something beside it has failed.
    is_read: &'a dyn Fn() -> String,
}

impl Rebuild<'_> {
    /// Builds both views anew, with a `kill -9` in the middle, and compares what comes of it.
    fn round(&self, round: u32, projector: &mut Option<Service>, events: usize, rng: &mut Rng) {
        let operator = Operator::new(self.place.open_views(), "soak");
        let began = Instant::now();
        for name in PROJECTIONS {
            block_on(operator.rebuild(&ProjectionId::new(name, 1), Position::ZERO)).expect("a build begins");
        }
        let events = u64::try_from(events).expect("a small number");
        let from = events * rng.u64(5..40) / 100;
        let at = |name: &str| position(build(self.views, name, round).as_ref());
        eventually_long("the build is in the middle", || {
            (self.is_read)();
            (at(PROJECTIONS[0]) > from).then_some(())
        });
        projector.take().expect("it runs").kill();
        let left = PROJECTIONS.map(|name| build(self.views, name, round));
        let [first, ..] = &left;
        assert!(
            standing(first.as_ref()) == Some(Standing::Building) && position(first.as_ref()) < events,
            "the kill came too late, a longer log is needed: {first:?}"
        );
        println!(
            "killed when builds {round} were at {:?}",
            left.each_ref().map(|build| position(build.as_ref()))
        );

        *projector = Some(Run::projector(self.place, "projector"));
        let client = projector.as_ref().expect("it runs").client();
        let mut gone_on = false;
        eventually_long("both builds answer", || {
            self.run.tell(self.is_read);
            (self.is_read)();
            let told = progress(&client, PROJECTIONS[0]);
            if let Some(applied) = told {
                assert!(applied >= position(first.as_ref()), "it has begun again: {applied} after {first:?}");
                gone_on |= applied > 0;
            }
            let builds = PROJECTIONS.map(|name| build(self.views, name, round));
            for (build, left) in builds.iter().zip(&left) {
                assert!(
                    position(build.as_ref()) >= position(left.as_ref()),
                    "it went back: {build:?} after {left:?}"
                );
            }
            builds.iter().all(|build| standing(build.as_ref()) == Some(Standing::Live)).then_some(())
        });
        assert!(gone_on, "the progress of the build was never told");
        println!("builds {round} answer after {:.1?}", began.elapsed());
        for name in PROJECTIONS {
            self.compare(name, round);
        }
    }

    /// Each document of the build before that has not changed since the switch is the same in the new one.
    fn compare(&self, name: &str, round: u32) {
        let old = ProjectionId::new(name, 1).generation(round - 1);
        // The old one may still be about to learn that it is superseded.
        let stands = eventually("the old build stands still", || {
            let known = build(self.views, name, round - 1);
            matches!(standing(known.as_ref()), Some(Standing::Superseded { .. }))
                .then(|| position(known.as_ref()))
        });
        let [old, new] = [old.clone(), old.generation(round)].map(|build| documents(self.views, &build));
        let mut compared = 0;
        for (key, document) in &new {
            if document.applied.get() <= stands {
                let before = old.get(key).unwrap_or_else(|| panic!("{name} {key} is new: {document:?}"));
                assert_eq!(
                    (before.created, before.applied),
                    (document.created, document.applied),
                    "{name} {key}"
                );
                assert_eq!(data(before), data(document), "{name} {key}");
                compared += 1;
            }
        }
        assert!(new.len() >= old.len(), "{name}: {} documents, {} before", new.len(), old.len());
        assert!(compared > 0, "{name}: there is nothing to compare");
        println!(
            "{name}: {compared} of {} documents of build {round} are those of the build before",
            new.len()
        );
    }
}

fn data(document: &StoredDocument) -> Option<Value> {
    document.data.as_ref().map(|data| data.parse().expect("documents are JSON"))
}

/// All documents of a build.
fn documents(views: &dyn ViewStore, build: &ProjectionId) -> BTreeMap<String, StoredDocument> {
    const PAGE: usize = 1_000;
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let find = Find {
            filters: Vec::new(),
            order: OrderBy::Created,
            direction: Direction::Ascending,
            after: after.take(),
            limit: PAGE,
        };
        let page = block_on(views.find(build, &find)).expect("documents can be read").value;
        let Some(last) = page.last() else { return all };
        after = Some(After::Created(last.created, last.key.clone()));
        all.extend(page.into_iter().map(|document| (document.key.clone(), document)));
    }
}

fn build(views: &dyn ViewStore, name: &str, generation: u32) -> Option<Build> {
    let id = ProjectionId::new(name, 1).generation(generation);
    block_on(views.builds(name)).expect("builds can be listed").into_iter().find(|build| build.id == id)
}

fn checkpoint(build: Option<&Build>) -> Option<Checkpoint> {
    build?.checkpoint
}

fn position(build: Option<&Build>) -> u64 {
    checkpoint(build).map_or(0, |checkpoint| checkpoint.position.get())
}

fn standing(build: Option<&Build>) -> Option<Standing> {
    checkpoint(build).map(|checkpoint| checkpoint.standing)
}

/// How far the first build is.
fn applied(views: &dyn ViewStore, name: &str) -> u64 {
    let first = ProjectionId::new(name, 1);
    let builds = block_on(views.builds(name)).expect("builds can be listed");
    let partitions = checkpoint(builds.iter().find(|build| build.id == first)).map_or(1, |it| it.partitions);
    let of_it = |build: &&Build| build.id.whole() == first && build.id.partition.of() == partitions;
    builds.iter().filter(of_it).map(|build| position(Some(build))).min().unwrap_or(0)
}

/// How far the projector says that the build is.
fn progress(projector: &Client, name: &str) -> Option<u64> {
    let answer = projector.get("/health/ready").send();
    let health: Value = serde_json::from_slice(&answer.body).expect("health is JSON");
    let projections = health["projections"].as_array().expect("a list");
    projections.iter().find(|projection| projection["name"] == name)?["rebuild"]["applied"].as_u64()
}

#[track_caller]
fn eventually_long<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    crate::deadline::within(PATIENCE, what, ask)
}

struct StopsReaders<'a>(&'a AtomicBool);

impl Drop for StopsReaders<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client that asks without saying how fresh, and remembers what it was told.
struct Reader<'a> {
    query: &'a Client,
    load: &'a Load,
    rng: Rng,
    /// For each path the newest position, and how far its content had come.
    seen: BTreeMap<String, (u64, u64)>,
    longest: Duration,
}

impl<'a> Reader<'a> {
    fn new(query: &'a Client, load: &'a Load, rng: Rng) -> Self {
        Self { query, load, rng, seen: BTreeMap::new(), longest: Duration::ZERO }
    }

    /// Returns how long the longest answer took.
    fn ask_until(mut self, stop: &AtomicBool, asked: &AtomicU64) -> Duration {
        while !stop.load(Ordering::Relaxed) {
            self.ask();
            asked.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(self.rng.u64(1..20)));
        }
        self.longest
    }

    fn ask(&mut self) {
        let customer = Load::customer(&mut self.rng);
        let path = match self.rng.u8(..4) {
            0 => format!("/customers/{customer}"),
            1 => format!("/customers/{customer}/orders?limit=5"),
            2 => format!("/orders/old-{}", self.rng.usize(..EVENTS_OF_CUT / 2)),
            // One that was asked for before, as it may have changed.
            _ if self.rng.bool() && !self.seen.is_empty() => {
                self.seen.keys().nth(self.rng.usize(..self.seen.len())).expect("one of them").clone()
            }
            _ => self
                .load
                .order()
                .map_or_else(|| format!("/customers/{customer}"), |id| format!("/orders/{id}")),
        };
        let asked = Instant::now();
        let answer = self.query.get(&path).send();
        self.longest = self.longest.max(asked.elapsed());
        let known = self.seen.get(&path).copied();
        if answer.status == 404 && known.is_none() && !path.contains("old-") {
            // It was placed just now.
            return;
        }
        assert_eq!(answer.status, 200, "{answer}");
        let now = (answer.number("consistency-position"), how_far(&answer.json()));
        if let Some(known) = known {
            assert!(now.0 >= known.0 && now.1 >= known.1, "{now:?} is older than {known:?}: {answer}");
        }
        self.seen.insert(path, now);
    }
}

/// What only grows in an answer.
fn how_far(answer: &Value) -> u64 {
    match answer["status"].as_str() {
        Some("placed") => 0,
        Some("confirmed") => 1,
        Some("cancelled") => 2,
        Some(status) => panic!("no order is {status:?}"),
        None => answer["orders"].as_u64().unwrap_or(0),
    }
}
