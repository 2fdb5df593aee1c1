//! So many commands a second, whatever else goes on.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::json;

use crate::{
    deadline::eventually,
    http::{Answer, Client},
    orders::line,
};

/// How many commands may be in flight. A machine that is too slow for the rate gets fewer commands, not more at once.
const CLIENTS: u32 = 8;
/// Many enough that most of their documents are at rest.
const CUSTOMERS: usize = 200;
/// How many orders a client keeps in mind, to confirm or cancel them.
const OPEN: usize = 50;

/// What is known of the commands so far. All of them are accepted: who takes them, and where, is not disturbed.
#[derive(Debug)]
pub(super) struct Load {
    sent: AtomicU64,
    /// The last position, and its token.
    last: Mutex<(u64, String)>,
    /// An order that was placed of late.
    recent: Mutex<Option<String>>,
    stop: AtomicBool,
    failed: AtomicBool,
}

/// An order that a client has placed.
struct Open {
    path: String,
    confirmed: bool,
}

impl Load {
    /// Offers so many commands a second to a service until `meanwhile` has ended. The token is that of the last event, as no command
    /// is in flight any more.
    pub(super) fn offer(command: &Client, rate: u32, rng: &mut Rng, meanwhile: impl FnOnce(&Self)) -> String {
        let load = Self {
            sent: AtomicU64::new(0),
            last: Mutex::default(),
            recent: Mutex::default(),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        };
        let pause = Duration::from_secs(1) * CLIENTS / rate;
        thread::scope(|scope| {
            let _stops = Stops(&load);
            for _ in 0..CLIENTS {
                let (load, mut rng) = (&load, rng.fork());
                scope.spawn(move || {
                    let _tells = TellsOfFailure(load);
                    load.send_all(command, pause, &mut rng);
                });
            }
            eventually("the first command is taken", || (load.sent() > 0).then_some(()));
            meanwhile(&load);
        });
        load.last().1
    }

    /// How many commands were taken.
    #[track_caller]
    pub(super) fn sent(&self) -> u64 {
        assert!(!self.failed.load(Ordering::Relaxed), "a client of the load has failed");
        self.sent.load(Ordering::Relaxed)
    }

    /// The position of the last event that was acknowledged.
    pub(super) fn head(&self) -> u64 {
        self.last().0
    }

    /// Its token. Commands that are in flight may come after it.
    pub(super) fn token(&self) -> String {
        self.last().1
    }

    /// An order that was placed of late.
    pub(super) fn order(&self) -> Option<String> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of one of the customers.
    pub(super) fn customer(rng: &mut Rng) -> String {
        format!("buyer-{}", rng.usize(..CUSTOMERS))
    }

    fn last(&self) -> (u64, String) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn send_all(&self, client: &Client, pause: Duration, rng: &mut Rng) {
        let mut open: Vec<Open> = Vec::new();
        let mut due = Instant::now() + pause.mul_f64(rng.f64());
        while !self.stop.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // What a slow machine was late with is not made up for.
            due = (due + pause).max(Instant::now());
            let answer = if open.is_empty() || rng.bool() {
                let order = place(client, rng);
                let id = order.json()["order_id"].as_str().expect("an id").to_owned();
                *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
                if open.len() == OPEN {
                    open.swap_remove(rng.usize(..OPEN));
                }
                open.push(Open { path: format!("/orders/{id}"), confirmed: false });
                order
            } else {
                let nth = rng.usize(..open.len());
                end(client, &mut open, nth, rng)
            };
            let position = answer.json()["position"].as_u64().expect("a position");
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if position > last.0 {
                *last = (position, answer.token().to_owned());
            }
            drop(last);
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn place(client: &Client, rng: &mut Rng) -> Answer {
    let customer = Load::customer(rng);
    let lines: Vec<_> = (0..rng.usize(1..4))
        .map(|nth| line(&format!("sku-{nth}"), rng.i64(1..9), rng.i64(1..10_000)))
        .collect();
    client.post("/orders").json(&json!({ "customer_id": customer, "lines": lines })).expect(201)
}

/// Confirms an order that is not confirmed, or cancels it.
fn end(client: &Client, open: &mut Vec<Open>, nth: usize, rng: &mut Rng) -> Answer {
    if !open[nth].confirmed && rng.bool() {
        open[nth].confirmed = true;
        return client.post(&format!("{}/confirm", open[nth].path)).expect(200);
    }
    let Open { path, .. } = open.swap_remove(nth);
    let reason = json!({ "reason": format!("reason {}", rng.u8(..)) });
    client.post(&format!("{path}/cancel")).json(&reason).expect(200)
}

struct Stops<'a>(&'a Load);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

struct TellsOfFailure<'a>(&'a Load);

impl Drop for TellsOfFailure<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
    }
}
