//! Several projectors on the same stores, of which one at a time builds a projection.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    chance,
    deadline::eventually,
    http::Client,
    model::Model,
    orders::{cancel, confirm, place},
    place::Place,
    service::Service,
    stores::Stores,
};

/// The promise: another one takes over, and the views are as fresh as before.
const BACK: &str = "5s";
/// Beyond the time that a lease lasts.
const PAST_THE_LEASE: Duration = Duration::from_millis(2_500);

on_shared_stores! {
    one_projector_builds_a_projection_and_another_takes_over_when_it_stops_or_dies,
    projectors_that_are_killed_paused_and_stopped_under_load_build_the_views_together,
}

fn states(projector: &Service) -> Vec<String> {
    let health: Value = projector.client().get("/health/ready").send().json();
    let projections = health["projections"].as_array().cloned().unwrap_or_default();
    projections.iter().map(|projection| projection["state"].to_string().replace('"', "")).collect()
}

fn is_all(projector: &Service, state: &str) -> Option<()> {
    states(projector).iter().all(|is| is == state).then_some(())
}

/// A new order shows within the promised time.
#[track_caller]
fn views_move_on(command: &Client, query: &Client) {
    let placed = place(command, "ada");
    for path in [placed.path(), "/customers/ada".to_owned()] {
        query.get(&path).at_least(&placed.token).header("consistency-timeout", BACK).expect(200);
    }
}

fn one_projector_builds_a_projection_and_another_takes_over_when_it_stops_or_dies(stores: Stores) {
    let files = Place::new(stores);
    let (command, query) = (files.start("command"), files.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut owner = files.start("projector");
    views_move_on(&command, &query);
    eventually("it runs both", || is_all(&owner, "live"));
    for graceful in [true, false, true, false] {
        let other = files.start("projector");
        eventually("the other one stands by", || is_all(&other, "standby"));
        let health: Value = other.client().get("/health/ready").expect(200).json();
        for projection in health["projections"].as_array().expect("a list") {
            assert!(
                projection["owner"].as_str().is_some_and(|owner| owner.starts_with("process ")),
                "{health}"
            );
        }
        if graceful {
            assert!(owner.terminate().status.success());
        } else {
            owner.kill();
        }
        views_move_on(&command, &query);
        eventually("it runs both", || is_all(&other, "live"));
        owner = other;
    }
    let last = place(&command, "last");
    Model::of(&files.events()).check(&query, &last.token);
}

fn projectors_that_are_killed_paused_and_stopped_under_load_build_the_views_together(stores: Stores) {
    let mut rng = Rng::with_seed(chance::seed());
    let files = Place::new(stores);
    let (command, query) = (files.start("command"), files.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut projectors: Vec<Service> = (0..3).map(|_| files.start("projector")).collect();
    let (stop, placed) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for client in 0..3 {
            let (command, stop, placed) = (command.clone(), &stop, &placed);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = placed.fetch_add(1, Ordering::Relaxed);
                    let order = place(&command, &format!("customer-{}", (client + number) % 7));
                    match number % 3 {
                        0 => drop(confirm(&command, &order.id)),
                        1 => drop(cancel(&command, &order.id)),
                        _ => {}
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        for _ in 0..6 {
            let one = projectors.swap_remove(rng.usize(..projectors.len()));
            match rng.u8(..3) {
                0 => {
                    one.kill();
                    views_move_on(&command, &query);
                    projectors.push(files.start("projector"));
                }
                1 => {
                    assert!(one.terminate().status.success());
                    views_move_on(&command, &query);
                    projectors.push(files.start("projector"));
                }
                _ => {
                    one.signal(Signal::STOP);
                    let stopped = Instant::now();
                    views_move_on(&command, &query);
                    thread::sleep(PAST_THE_LEASE.saturating_sub(stopped.elapsed()));
                    one.signal(Signal::CONT);
                    projectors.push(one);
                }
            }
            views_move_on(&command, &query);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let last = place(&command, "last");
    Model::of(&files.events()).check(&query, &last.token);
}
