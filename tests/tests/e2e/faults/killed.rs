//! `kill -9` at the worst moments.

use fastrand::Rng;

use super::scene::{Scene, Views, Way, recovers};
use crate::{
    chance,
    deadline::eventually,
    fleet::Fleet,
    load::{self, Clients},
    orders::{Placed, confirm, order_of, place},
    proxy::Failpoint,
};

const CLIENTS: usize = 8;
const KILLS: usize = 3;

fault_tests! {
    each: [
        a_command_whose_service_is_killed_before_its_append_has_not_happened,
        a_command_whose_service_is_killed_after_its_commit_has_happened,
        no_kill_of_a_command_service_at_an_append_loses_or_repeats_anything,
        a_projector_that_is_killed_before_it_writes_documents_goes_on_where_it_was,
        a_projector_that_is_killed_after_its_commit_goes_on_where_it_was
    ],
    alone: [],
    mongo: [
        a_projector_that_is_killed_between_documents_and_checkpoint_goes_on_where_it_was,
        a_document_that_is_ahead_of_its_checkpoint_is_not_folded_twice
    ]
}

fn a_command_whose_service_is_killed_before_its_append_has_not_happened(views: Views) {
    killed_with_one_command(views, Failpoint::BeforeAppend, 1);
}

fn a_command_whose_service_is_killed_after_its_commit_has_happened(views: Views) {
    killed_with_one_command(views, Failpoint::AfterCommitBeforeAnswer, 2);
}

/// Kills the service that has a command in its hands; then the log has so many events.
fn killed_with_one_command(views: Views, failpoint: Failpoint, events: usize) {
    let scene = Scene::new(views);
    let mut fleet = Fleet::start(&scene.place);
    place(&fleet.command(), "ada");

    let client = fleet.command();
    let waiting = scene.proxy(Way::CommandToEvents).hold(failpoint, "");
    let asking =
        std::thread::spawn(move || client.post("/orders").key("k").json(&order_of("ada")).try_send());
    let held = waiting.reached();
    fleet.kill("command");
    held.lose();
    let answer = asking.join().expect("it has not panicked");
    assert!(answer.is_err(), "the service was killed before it had an answer: {answer:?}");
    assert_eq!(scene.place.events().len(), events);

    fleet.start_again("command");
    assert_eq!(scene.place.events().len(), events, "a start appends nothing");
    let order = || fleet.command().post("/orders").key("k").json(&order_of("ada")).send();
    let first = Placed::of(order());
    assert_eq!(first.position, 2);
    assert_eq!(order().body, first.answer.body);
    assert_eq!(scene.place.events().len(), 2, "it has happened once");
    let summary = fleet.query().get("/customers/ada").at_least(&first.token).expect(200);
    assert_eq!(summary.json()["orders"], 2, "{summary}");
}

fn no_kill_of_a_command_service_at_an_append_loses_or_repeats_anything(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(views);
    let mut fleet = Fleet::start(&scene.place);
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        for failpoint in [Failpoint::BeforeAppend, Failpoint::AfterCommitBeforeAnswer].repeat(KILLS) {
            clients.go_to(fleet.service("command").url());
            clients.until_placed(rng.usize(1..30));
            let held = scene.proxy(Way::CommandToEvents).hold(failpoint, "").reached();
            clients.wait();
            fleet.kill("command");
            held.lose();
            fleet.start_again("command");
        }
        clients.go_to(fleet.service("command").url());
        recovers(clients, &fleet);
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

fn a_projector_that_is_killed_before_it_writes_documents_goes_on_where_it_was(views: Views) {
    projector_killed(views, Failpoint::BeforeDocuments);
}

fn a_projector_that_is_killed_after_its_commit_goes_on_where_it_was(views: Views) {
    projector_killed(views, Failpoint::AfterCheckpointBeforeAnswer);
}

/// Only where documents and checkpoint are not written together is there a moment between them.
fn a_projector_that_is_killed_between_documents_and_checkpoint_goes_on_where_it_was() {
    projector_killed(Views::MongoAlone, Failpoint::BetweenDocumentsAndCheckpoint);
}

fn a_document_that_is_ahead_of_its_checkpoint_is_not_folded_twice() {
    let scene = Scene::new(Views::MongoAlone);
    let mut fleet = Fleet::start(&scene.place);
    let order = place(&fleet.command(), "ada");
    fleet.query().get("/customers/ada").at_least(&order.token).expect(200);

    let waiting =
        scene.proxy(Way::ProjectorToViews).hold(Failpoint::BetweenDocumentsAndCheckpoint, "customer_summary");
    let token = confirm(&fleet.command(), &order.id);
    let held = waiting.reached();
    let ahead = fleet.query().get("/customers/ada").expect(200);
    assert_eq!(ahead.json()["confirmed"], 1, "the document is written: {ahead}");
    assert_eq!(ahead.number("consistency-position"), 1, "and the checkpoint is not: {ahead}");
    fleet.kill("projector");
    held.lose();

    fleet.start_again("projector");
    let summary = fleet.query().get("/customers/ada").at_least(&token).expect(200);
    assert_eq!(summary.json()["confirmed"], 1, "{summary}");
}

/// Kills the projector at this point, again and again, while orders are placed.
fn projector_killed(views: Views, failpoint: Failpoint) {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(views);
    let mut fleet = Fleet::start(&scene.place);
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(fleet.service("command").url());
        for projection in ["order_summary", "customer_summary"].repeat(KILLS) {
            clients.until_placed(rng.usize(1..30));
            let held = scene.proxy(Way::ProjectorToViews).hold(failpoint, projection).reached();
            // There is something to catch up with.
            clients.until_placed(rng.usize(1..30));
            fleet.kill("projector");
            held.lose();
            fleet.start_again("projector");
            eventually("the projector gets on", || {
                let health = fleet.service("projector").client().get("/health/ready").send();
                (health.status == 200).then_some(())
            });
        }
        recovers(clients, &fleet);
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}
