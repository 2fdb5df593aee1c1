//! A log that was put back to an earlier state.

use rustix::process::Signal;
use serde_json::Value;

use super::scene::{Scene, Views};
use crate::{
    deadline::eventually,
    fleet::Fleet,
    orders::{cancel, confirm, place},
    servers::Shutdown,
    service::Service,
    sql,
};

fault_tests! {
    each: [
        a_backup_of_the_log_that_was_restored_stops_the_projections,
        a_backup_that_was_restored_while_the_services_run_stops_the_projections,
        tables_that_were_put_back_under_a_projector_that_stood_still_stop_it
    ],
    alone: [an_order_that_a_command_process_keeps_in_memory_is_that_of_the_log_after_it_was_put_back],
    mongo: []
}

/// Orders that are in the backup, and in all that follows.
const BEFORE: u64 = 3;
/// Orders that only the views know.
const LOST: u64 = 4;

/// Places orders until the log has so many events, and waits until both views have all of them.
fn fill(fleet: &Fleet, events: u64) {
    let mut last = place(&fleet.command(), "ada");
    while last.position < events {
        last = place(&fleet.command(), "ada");
    }
    for path in ["/customers/ada", "/customers/ada/orders"] {
        fleet.query().get(path).at_least(&last.token).expect(200);
    }
}

/// Both projections say that they have stopped, and why; they say so in each role that looks at them.
#[track_caller]
fn check_stopped(fleet: &Fleet, head: u64) {
    let problem = |role: &str, state: &str| {
        eventually("both projections have stopped", || {
            let answer = Service::client(fleet.service(role)).get("/health/ready").send();
            assert!([200, 503].contains(&answer.status), "{answer}");
            let health: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let stopped =
                health["projections"].as_array().expect("a list").iter().all(|it| it["state"] == state);
            (answer.status == 503 && stopped).then_some(health)
        })
    };
    for (role, state) in [("projector", "halted"), ("query", "diverged")] {
        let problem = problem(role, state);
        assert_eq!(problem["projections"].as_array().map(Vec::len), Some(2), "{problem}");
        for projection in problem["projections"].as_array().expect("a list") {
            assert_eq!(projection["applied"], BEFORE + LOST, "{problem}");
            assert!(projection["reason"].as_str().is_some_and(|why| why.contains("put back")), "{problem}");
        }
    }
    // Commands go on, on the log as it is; no query takes the views for fresh, and they stay as they were.
    let next = place(&fleet.command(), "ada");
    assert_eq!(next.position, head + 1);
    let query = fleet.query();
    let request = query.get(&next.path()).header("consistency-token", &next.token);
    let answer = request.header("consistency-timeout", "100ms").send();
    assert!([503, 504].contains(&answer.status), "{answer}");
    query.get(&next.path()).problem(404, "order_not_found");
    let summary = query.get("/customers/ada").expect(200);
    assert_eq!(summary.json()["orders"], BEFORE + LOST, "{summary}");
}

fn a_backup_of_the_log_that_was_restored_stops_the_projections(views: Views) {
    for grown in [BEFORE, BEFORE + LOST, BEFORE + LOST + 2] {
        let mut scene = Scene::new(views);
        let backup = {
            let fleet = Fleet::start(&scene.place);
            fill(&fleet, BEFORE);
            scene.events.stop(Shutdown::Fast);
            let backup = scene.events.back_up("backup");
            scene.events.resume();
            eventually("commands are taken", || {
                (fleet.command().get("/health/ready").send().status == 200).then_some(())
            });
            fill(&fleet, BEFORE + LOST);
            backup
        };
        scene.events.stop(Shutdown::Fast);
        scene.events.restore(&backup);
        scene.events.resume();
        // It goes on from there before a projector looks at it, to behind the views, to where they are, and beyond.
        let command = scene.place.start("command");
        while scene.place.events().len() < usize::try_from(grown).expect("a few") {
            place(&command.client(), "eve");
        }
        drop(command);
        check_stopped(&Fleet::start(&scene.place), grown);
        // It stays so.
        check_stopped(&Fleet::start(&scene.place), grown + 1);
    }
}

fn a_backup_that_was_restored_while_the_services_run_stops_the_projections(views: Views) {
    let mut scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    fill(&fleet, BEFORE);
    scene.events.stop(Shutdown::Fast);
    let backup = scene.events.back_up("backup");
    scene.events.resume();
    eventually("all is well", || (fleet.command().get("/health/ready").send().status == 200).then_some(()));
    fill(&fleet, BEFORE + LOST);
    scene.events.stop(Shutdown::Immediate);
    scene.events.restore(&backup);
    scene.events.resume();
    eventually("commands are taken", || {
        (fleet.command().get("/health/ready").send().status == 200).then_some(())
    });
    check_stopped(&fleet, BEFORE);
}

fn tables_that_were_put_back_under_a_projector_that_stood_still_stop_it(views: Views) {
    let scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    fill(&fleet, BEFORE + LOST);
    let projector = fleet.service("projector");
    projector.signal(Signal::STOP);
    put_tables_back(&scene, BEFORE);
    let grown = BEFORE + LOST + 2;
    while place(&fleet.command(), "eve").position < grown {}
    projector.signal(Signal::CONT);
    check_stopped(&fleet, grown);
}

/// As a superuser can, whom no trigger stops.
fn put_tables_back(scene: &Scene, position: u64) {
    let put_back = format!(
        "SET session_replication_role = replica;
         DELETE FROM cqrs.events WHERE position > {position};
         DELETE FROM cqrs.commands WHERE position > {position}"
    );
    sql::execute(&scene.events.url(), put_back).unwrap();
}

/// The order has as many events as the process knows, but others.
fn an_order_that_a_command_process_keeps_in_memory_is_that_of_the_log_after_it_was_put_back() {
    let scene = Scene::new(Views::Postgres);
    let (one, other) = (scene.place.start("command"), scene.place.start("command"));
    let order = place(&one.client(), "ada");
    confirm(&one.client(), &order.id);
    put_tables_back(&scene, order.position);
    cancel(&other.client(), &order.id);
    // A confirmed order could be cancelled; the one in the log is.
    let again = one.client();
    let again =
        again.post(&format!("{}/cancel", order.path())).json(&serde_json::json!({ "reason": "late" }));
    again.problem(409, "order_already_cancelled");
    assert_eq!(scene.place.events().len(), 2);
    // The process goes on.
    let next = place(&one.client(), "ada");
    confirm(&one.client(), &next.id);
    assert_eq!(scene.place.events().len(), 4);
}
