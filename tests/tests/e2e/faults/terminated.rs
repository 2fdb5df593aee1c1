//! Connections that end in the middle of a commit.

use std::thread;

use fastrand::Rng;

use super::scene::{Scene, Views, Way, recovers};
use crate::{
    chance,
    deadline::eventually,
    fleet::Fleet,
    http::Answer,
    load::{self, Clients},
    orders::{Placed, order_of, place},
    proxy::{Failpoint, Side},
    sql,
};

const CLIENTS: usize = 8;
const TERMINATIONS: usize = 30;

fault_tests! {
    each: [],
    alone: [
        a_connection_that_ends_in_mid_commit_leaves_the_truth_to_be_told,
        a_connection_that_ends_after_the_commit_leaves_the_truth_to_be_told,
        a_connection_that_ends_before_the_append_leaves_nothing,
        an_append_that_arrives_after_its_connection_was_given_up_is_done_once,
        connections_that_the_database_ends_under_load_lose_and_repeat_nothing
    ],
    mongo: []
}

/// Sends one command, with a key, while something happens to it that was prepared before. Returns its answer, and checks
/// that a repeated key is answered alike and that all of it has happened once.
fn one_command<T>(scene: &Scene, prepare: impl FnOnce() -> T, happens: impl FnOnce(T)) -> Answer {
    let fleet = Fleet::start(&scene.place);
    place(&fleet.command(), "ada");
    let prepared = prepare();
    let client = fleet.command();
    let asking = thread::spawn(move || client.post("/orders").key("k").json(&order_of("ada")).send());
    happens(prepared);
    let answer = asking.join().expect("it has not panicked");
    let again = eventually("the command is taken", || {
        let again = fleet.command().post("/orders").key("k").json(&order_of("ada")).send();
        (again.status != 503).then_some(again)
    });
    let placed = Placed::of(again);
    assert_eq!(scene.place.events().len(), 2, "it has happened once");
    assert_eq!(placed.position, 2);
    let summary = fleet.query().get("/customers/ada").at_least(&placed.token).expect(200);
    assert_eq!(summary.json()["orders"], 2, "{summary}");
    if answer.status == 503 {
        answer.problem();
    } else {
        assert_eq!((answer.status, &answer.body), (201, &placed.answer.body), "{answer}");
    }
    answer
}

fn a_connection_that_ends_in_mid_commit_leaves_the_truth_to_be_told() {
    let scene = Scene::new(Views::Postgres);
    let url = scene.events.url();
    let set = |what: &str| {
        sql::execute(&url, format!("ALTER SYSTEM {what}")).unwrap();
        sql::execute(&url, "SELECT pg_reload_conf()").unwrap();
    };
    let answer = one_command(
        &scene,
        || {
            // A commit now waits for a standby that never comes: when it is durable, and before anybody is told.
            set("SET synchronous_standby_names = 'nobody'");
            eventually("the setting is there", || {
                let shown: Vec<String> = sql::column(&url, "SHOW synchronous_standby_names").unwrap();
                (shown == ["nobody"]).then_some(())
            });
        },
        |()| {
            let terminate =
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
            eventually("a commit waits, and is ended", || {
                let ended: Vec<bool> = sql::column(&url, terminate).unwrap();
                (!ended.is_empty()).then_some(())
            });
            set("RESET synchronous_standby_names");
        },
    );
    assert_eq!(answer.status, 201, "it was committed: {answer}");
}

fn a_connection_that_ends_after_the_commit_leaves_the_truth_to_be_told() {
    let scene = Scene::new(Views::Postgres);
    let proxy = scene.proxy(Way::CommandToEvents);
    let arm = || proxy.hold(Failpoint::AfterCommitBeforeAnswer, "");
    let answer = one_command(&scene, arm, |waiting| waiting.reached().lose());
    assert_eq!(answer.status, 201, "it was committed: {answer}");
}

fn a_connection_that_ends_before_the_append_leaves_nothing() {
    let scene = Scene::new(Views::Postgres);
    let proxy = scene.proxy(Way::CommandToEvents);
    one_command(&scene, || proxy.hold(Failpoint::BeforeAppend, ""), |waiting| waiting.reached().lose());
}

fn an_append_that_arrives_after_its_connection_was_given_up_is_done_once() {
    let scene = Scene::new(Views::Postgres);
    let proxy = scene.proxy(Way::CommandToEvents);
    one_command(
        &scene,
        || proxy.hold(Failpoint::BeforeAppend, ""),
        |waiting| {
            let held = waiting.reached();
            proxy.half_close(Side::Client);
            // The service finds out what has become of it, and asks anew; then it comes about.
            eventually("the service has another answer", || {
                let known: Vec<i64> =
                    sql::column(&scene.events.url(), "SELECT count(*) FROM cqrs.events").unwrap();
                (known == [2]).then_some(())
            });
            held.deliver();
        },
    );
}

fn connections_that_the_database_ends_under_load_lose_and_repeat_nothing() {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(Views::Postgres);
    let fleet = Fleet::start(&scene.place);
    let url = scene.events.url();
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(fleet.service("command").url());
        let (mut all, mut appends) = (0, 0);
        // An append is short: it may take many looks until one is met.
        for number in 0..20 * TERMINATIONS {
            if number >= TERMINATIONS && appends > 0 {
                break;
            }
            clients.until_placed(rng.usize(1..10));
            // Now those in the middle of an append, now all of them, listeners too.
            let which = if number % 3 == 0 { "true" } else { "state = 'active' AND query LIKE '%.append(%'" };
            let terminate = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND {which}"
            );
            let ended = sql::column::<bool>(&url, terminate).unwrap().len();
            *if number % 3 == 0 { &mut all } else { &mut appends } += ended;
        }
        println!("ended {appends} connections in an append, and {all} of all");
        assert!(all > 0 && appends > 0, "some connections are ended: {all} and {appends}");
        recovers(clients, &fleet);
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}
