//! `kill -9`, again and again, under load.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use cqrs_core::envelope::RecordedEvent;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::{
    chance,
    deadline::{DEADLINE, eventually},
    http::{Answer, Client},
    log,
    model::Model,
    orders::{line, place as place_order},
    service::{Place, Service, Stores},
};

const ORDERS: usize = 2_000;
const CLIENTS: usize = 16;
const KILLS: usize = 20;
/// Threads that look at the result.
const READERS: usize = 4;

/// Where the service is.
#[derive(Debug)]
enum Where {
    At(String),
    /// It was killed, and will be back.
    Away,
    /// Some thread has failed: there is nothing to wait for.
    Over,
}

/// What the threads know of each other.
#[derive(Debug)]
struct Shared {
    place: Mutex<Where>,
    moved: Condvar,
    acknowledged: AtomicUsize,
}

impl Shared {
    fn set(&self, place: Where) {
        let mut known = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*known, Where::Over) {
            *known = place;
        }
        self.moved.notify_all();
    }

    /// Waits until the service is back.
    fn url(&self) -> String {
        let place = self.place.lock().unwrap();
        let away = |place: &mut Where| matches!(place, Where::Away);
        let (place, _) = self.moved.wait_timeout_while(place, DEADLINE, away).unwrap();
        let found = match &*place {
            Where::At(url) => Ok(url.clone()),
            Where::Away => Err("the service did not come back"),
            Where::Over => Err("another thread has failed"),
        };
        drop(place);
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    fn acknowledged(&self) -> usize {
        let over = matches!(*self.place.lock().unwrap(), Where::Over);
        assert!(!over, "another thread has failed");
        self.acknowledged.load(Ordering::Relaxed)
    }
}

/// Ends the other threads' waiting when its own thread fails.
struct EndsTogether<'a>(&'a Shared);

impl Drop for EndsTogether<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.set(Where::Over);
        }
    }
}

/// A command, which can be sent again with the same key.
#[derive(Clone, Debug)]
struct Sent {
    key: String,
    path: String,
    body: String,
    version: Option<u64>,
}

impl Sent {
    fn try_send(&self, client: &Client) -> Option<Answer> {
        let request = client.post(&self.path).key(&self.key).body(self.body.as_str());
        let request = match self.version {
            Some(version) => request.header("if-match", format!("\"{version}\"")),
            None => request,
        };
        request.try_send().ok()
    }
}

/// A command, and what a client knows of it.
#[derive(Debug)]
struct Told {
    sent: Sent,
    /// Unknown, where the client gave up.
    answer: Option<Answer>,
    event: &'static str,
    /// What the event's data must hold.
    data: Value,
}

impl Told {
    fn body(&self) -> Option<Value> {
        self.answer.as_ref().map(Answer::json)
    }
}

struct Load<'a> {
    shared: &'a Shared,
    client: Client,
    rng: Rng,
    told: Vec<Told>,
}

impl Load<'_> {
    /// Sends a command until it is answered, or gives up when the connection breaks, if it may.
    fn send(&mut self, sent: Sent, event: &'static str, data: Value, may_give_up: bool) -> Option<Answer> {
        let answer = loop {
            match sent.try_send(&self.client.at(&self.shared.url())) {
                Some(answer) if answer.status == 503 => {
                    answer.problem();
                }
                Some(answer) => break Some(answer),
                None if may_give_up => break None,
                None => {}
            }
        };
        self.told.push(Told { sent, answer: answer.clone(), event, data });
        answer
    }

    fn order(&mut self, number: usize) {
        let customer = format!("customer-{}", number % 40);
        // The article tells the order, however its id came about.
        let first = line(&format!("sku-{number}"), self.rng.i64(1..9), self.rng.i64(1..10_000));
        let lines = if self.rng.bool() {
            json!([first, line("extra", 1, self.rng.i64(0..500))])
        } else {
            json!([first])
        };
        let mut body = json!({ "customer_id": customer, "lines": lines });
        if number.is_multiple_of(2) {
            body["order_id"] = format!("order-{number}").into();
        }
        let sent = Sent {
            key: format!("place-{number}"),
            path: "/orders".into(),
            body: body.to_string(),
            version: None,
        };
        let may_give_up = number.is_multiple_of(7);
        let data = json!({ "customer_id": customer, "lines": lines });
        let Some(answer) = self.send(sent, "order_placed", data, may_give_up) else { return };
        assert_eq!(answer.status, 201, "{answer}");
        self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);

        let id = answer.json()["order_id"].as_str().expect("an id").to_owned();
        if matches!(number % 4, 1 | 2) {
            let sent = Sent {
                key: format!("confirm-{number}"),
                path: format!("/orders/{id}/confirm"),
                body: String::new(),
                version: Some(1),
            };
            let answer = self.send(sent, "order_confirmed", json!({}), false).expect("does not give up");
            assert_eq!(answer.status, 200, "{answer}");
        }
        if matches!(number % 4, 2 | 3) {
            let sent = Sent {
                key: format!("cancel-{number}"),
                path: format!("/orders/{id}/cancel"),
                body: json!({ "reason": format!("number {number}") }).to_string(),
                version: None,
            };
            let data = json!({ "reason": format!("number {number}") });
            let answer = self.send(sent, "order_cancelled", data, false).expect("does not give up");
            assert_eq!(answer.status, 200, "{answer}");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_twice_or_half() {
    let mut rng = Rng::with_seed(chance::seed());
    let place = Place::new(Stores::Sqlite);
    let shared =
        Shared { place: Mutex::new(Where::Away), moved: Condvar::new(), acknowledged: AtomicUsize::new(0) };

    let told: Vec<Told> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|first| {
                let rng = rng.fork();
                let shared = &shared;
                scope.spawn(move || {
                    let _together = EndsTogether(shared);
                    let mut load = Load { shared, client: Client::new(""), rng, told: Vec::new() };
                    for number in (first..ORDERS).step_by(CLIENTS) {
                        load.order(number);
                    }
                    load.told
                })
            })
            .collect();
        let _together = EndsTogether(&shared);
        let service = kill_again_and_again(&mut rng, &place, &shared);
        let told = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        // What was acknowledged a moment ago is safe, too.
        service.kill();
        told
    });

    let service = place.start("all");
    let client = service.client();
    let events = log::read(&place.write_file());
    check_log(&events, &told);
    println!(
        "{} events, {} commands, {} given up",
        events.len(),
        told.len(),
        told.iter().filter(|told| told.answer.is_none()).count()
    );

    in_parallel(&told, |told| {
        let again = told.sent.try_send(&client).expect("the service runs");
        let Some(first) = &told.answer else { return };
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{first}\nand then\n{again}");
        assert_eq!(again.token(), first.token());
        assert_eq!(again.headers.get("location"), first.headers.get("location"));
    });
    let arrived_late = told.iter().filter(|told| told.answer.is_none() && !is_in(&events, told)).count();
    let last = place_order(&client, "last");
    let after = log::read(&place.write_file());
    assert_eq!(after.len(), events.len() + arrived_late + 1, "a repeated key appends nothing");
    assert_eq!(last.position, after.len() as u64);

    Model::of(&after).check(&client, &last.token);
    check_history(&client, &after);
    assert_eq!(service.terminate().status.code(), Some(0));
}

/// Kills the service at random moments, all of them while orders are placed, and leaves one running.
fn kill_again_and_again(rng: &mut Rng, place: &Place, shared: &Shared) -> Service {
    let mut moments: Vec<_> = (0..KILLS).map(|_| rng.usize(1..ORDERS * 8 / 10)).collect();
    moments.sort_unstable();
    let mut service = place.start("all");
    for moment in moments {
        shared.set(Where::At(service.url().to_owned()));
        eventually("orders are placed", || (shared.acknowledged() >= moment).then_some(()));
        thread::sleep(Duration::from_micros(rng.u64(0..4_000)));
        // Every seventh order may be given up.
        let left = ORDERS - ORDERS / 7 - shared.acknowledged();
        assert!(left > CLIENTS, "the service is killed under load");
        shared.set(Where::Away);
        service.kill();
        while rng.u8(..) < 64 {
            let starting = place.launch("all");
            thread::sleep(Duration::from_micros(rng.u64(0..30_000)));
            starting.kill();
        }
        service = place.start("all");
    }
    shared.set(Where::At(service.url().to_owned()));
    service
}

/// Whether this event is the one that the command asked for.
fn is_of(event: &RecordedEvent, told: &Told) -> bool {
    let data = log::data(event);
    event.name == told.event
        && told.data.as_object().expect("an object").iter().all(|(field, value)| data[field] == *value)
}

fn is_in(events: &[RecordedEvent], told: &Told) -> bool {
    events.iter().any(|event| is_of(event, told))
}

/// Each acknowledged command is there just once and as it was answered, each other one at most once and whole, and
/// there is nothing else.
fn check_log(events: &[RecordedEvent], told: &[Told]) {
    let placed = |event: &&RecordedEvent| event.name == "order_placed";
    let sku = |data: &Value| data["lines"][0]["sku"].as_str().expect("an article").to_owned();
    let mut by_sku: BTreeMap<String, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events.iter().filter(placed) {
        by_sku.entry(sku(&log::data(event))).or_default().push(event);
    }

    let mut accounted = BTreeSet::new();
    for told in told {
        let event = match told.body() {
            Some(body) => {
                let position = body["position"].as_u64().expect("a position");
                let event = &events[usize::try_from(position).unwrap() - 1];
                assert_eq!(body["version"], event.version.get(), "{told:?}");
                let order = told.sent.path.split('/').nth(2).map_or(body["order_id"].clone(), Value::from);
                assert_eq!(order, event.stream.id(), "{told:?}");
                event
            }
            None => match by_sku.get(&sku(&told.data)).map(Vec::as_slice) {
                None => continue,
                Some(found) => found[0],
            },
        };
        assert!(is_of(event, told), "{told:?}\nis not\n{event:?}");
        assert!(accounted.insert(event.position), "two commands share an event: {event:?}");
    }
    assert_eq!(
        accounted.len(),
        events.len(),
        "each event is of a command that was sent, and none is there twice"
    );
    for (sku, events) in by_sku {
        assert_eq!(events.len(), 1, "{sku} was ordered once");
    }
    let commands: BTreeSet<_> = events.iter().map(|event| event.metadata.command_id.as_uuid()).collect();
    assert_eq!(commands.len(), events.len(), "each command has one event");
}

/// The history of each order is what the log has.
fn check_history(client: &Client, events: &[RecordedEvent]) {
    let mut streams: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        streams.entry(event.stream.id()).or_default().push(event);
    }
    let streams: Vec<_> = streams.into_iter().collect();
    in_parallel(&streams, |(order, events)| {
        let answer = client.get(&format!("/orders/{order}/history")).expect(200);
        let expected: Vec<_> = events
            .iter()
            .map(|event| {
                json!({
                    "event_id": event.event_id.as_uuid(),
                    "version": event.version.get(),
                    "position": event.position.get(),
                    "type": event.name,
                    "schema_version": event.schema_version.get(),
                    "recorded_at": event.metadata.time.to_string(),
                    "correlation_id": event.metadata.correlation_id,
                    "causation_id": event.metadata.causation_id,
                    "data": log::data(event),
                })
            })
            .collect();
        assert_eq!(answer.json(), json!({ "events": expected }), "{answer}");
    });
}

fn in_parallel<T: Sync>(items: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(item);
                }
            });
        }
    });
}
