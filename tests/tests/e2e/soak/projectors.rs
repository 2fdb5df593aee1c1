//! Three projectors, of which some are killed or stand still at any time.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Load, Run, audit::Audit, team::Team, verify::views_are_the_fold};
use crate::{deadline::eventually, http::Client, place::Place, stores::Stores};

/// What the demo's projections promise.
const MAX_LAG: Duration = Duration::from_secs(2);
/// The promise: so long after a fault, and after the lease of whoever it hit has run out, lag is under its contract again.
const RECOVERY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_millis(1_500);

soak!(views_are_whole_and_owners_alone_whatever_happens_to_projectors);

fn views_are_whole_and_owners_alone_whatever_happens_to_projectors(stores: Stores) {
    let run = Run::begin("projectors", Duration::from_secs(25));
    let mut rng = run.chances();
    let place = Place::new(stores);
    let (command, query) = (place.start("command"), place.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut team = Team::start(&place, stores, 3);
    let audit = (stores == Stores::Postgres).then(|| Audit::install(place.read_store()));

    // All of them start at once, and the views are divided among them.
    if let Some(audit) = &audit {
        audit.note("begin");
    }
    let mut disturbing = rng.fork();
    let token = Load::offer(&command, run.rate(), &mut rng, |load| {
        recovers(&query, load);
        let (mut faults, mut longest) = (0, Duration::ZERO);
        while !run.is_over() {
            let since = Instant::now();
            let (deed, nth) = team.choose(&mut disturbing);
            println!("{deed:?} projector {nth}");
            if let Some(audit) = audit.as_ref().filter(|_| deed.is_fault()) {
                audit.note(&format!("{deed:?} {nth}"));
            }
            team.do_to(deed, nth);
            if deed.is_fault() {
                recovers(&query, load);
                faults += 1;
                longest = longest.max(since.elapsed());
            }
            // Some are paused for less than their lease, and some for more.
            let until = Instant::now() + Duration::from_millis(disturbing.u64(100..2_500));
            while Instant::now() < until {
                run.tell(|| {
                    format!("{} commands, {faults} faults, at most {longest:.1?} to recover", load.sent())
                });
                thread::sleep(Duration::from_millis(50));
            }
        }
        println!("{} commands, {faults} faults, at most {longest:.1?} to recover", load.sent());
        assert!(faults > 2, "{faults} faults are too few to tell anything");
        team.gather();
        recovers(&query, load);
    });
    views_are_the_fold(&place, &query, &token);
    if let Some(audit) = audit {
        println!("{}", audit.summary());
        audit.check_owners();
        audit.check_lag(MAX_LAG, RECOVERY + LEASE);
        assert!(audit.owners() > 2, "no owner was ever lost");
    }
}

/// Within the promised time from now, an event that comes after now is applied by each projection, and none is in breach of its
/// contract, as the query side sees it.
#[track_caller]
fn recovers(query: &Client, load: &Load) {
    let (started, before) = (Instant::now(), load.head());
    let goal = eventually("commands are taken", || {
        load.sent();
        Some(load.head()).filter(|head| *head > before)
    });
    loop {
        let answer = query.get("/health/ready").send();
        let health: Value = serde_json::from_slice(&answer.body).expect("health is JSON");
        let projections = health["projections"].as_array().expect("a list");
        let is_there = |projection: &Value| projection["applied"].as_u64().is_some_and(|at| at >= goal);
        if answer.status == 200 && projections.iter().all(is_there) {
            return;
        }
        let took = started.elapsed();
        assert!(
            took < RECOVERY + LEASE,
            "{took:?} after a fault, an event at {goal} is not applied: {health:#}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}
