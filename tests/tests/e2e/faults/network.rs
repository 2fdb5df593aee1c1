//! Connections that are cut, half-closed and delayed, and that carry nothing.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::scene::{Scene, Views, Way, recovers};
use crate::{
    chance,
    fleet::Fleet,
    load::{self, Clients},
    orders::place,
    proxy::{Condition, Cut, Proxy, Side},
};

const CLIENTS: usize = 8;
/// How long a query may take whose store does not answer: what it waits for freshness, and as long as it takes to be sure.
const PATIENCE: Duration = Duration::from_secs(10);
const DELAY: Duration = Duration::from_millis(200);
const ALL_WAYS: [Way; 4] =
    [Way::CommandToEvents, Way::ProjectorToEvents, Way::ProjectorToViews, Way::QueryToViews];

fault_tests! {
    each: [
        cut_and_half_closed_connections_lose_and_repeat_nothing,
        connections_that_are_late_only_take_longer,
        a_read_store_that_does_not_answer_is_waited_for_in_bounds
    ],
    alone: [a_write_store_that_does_not_answer_is_waited_for_in_bounds],
    mongo: []
}

fn cut_and_half_closed_connections_lose_and_repeat_nothing(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    let ends: [fn(&Proxy) -> usize; 4] = [
        |proxy| proxy.cut(Cut::Reset),
        |proxy| proxy.cut(Cut::Finish),
        |proxy| proxy.half_close(Side::Client),
        |proxy| proxy.half_close(Side::Server),
    ];
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(fleet.service("command").url());
        for way in ALL_WAYS {
            for end in ends {
                clients.until_placed(rng.usize(1..20));
                assert!(end(scene.proxy(way)) > 0, "{way:?} has connections");
                recovers(clients, &fleet);
            }
        }
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

fn connections_that_are_late_only_take_longer(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    let (told, ()) = Clients::run(CLIENTS, &mut rng, |clients| {
        clients.go_to(fleet.service("command").url());
        clients.until_placed(20);
        for way in ALL_WAYS {
            scene.proxy(way).set(Condition::Delay(DELAY));
        }
        let refused = clients.refused();
        clients.until_placed(40);
        let started = Instant::now();
        let order = place(&fleet.command(), "ada");
        assert!(started.elapsed() >= DELAY * 2, "there and back: {:?}", started.elapsed());
        fleet.query().get(&order.path()).at_least(&order.token).expect(200);
        assert_eq!(clients.refused(), refused, "who is late is not away");
        // New connections are made in the same way.
        scene.proxy(Way::CommandToEvents).cut(Cut::Reset);
        clients.until_placed(20);
        for way in ALL_WAYS {
            scene.proxy(way).set(Condition::Forward);
        }
        recovers(clients, &fleet);
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

fn a_read_store_that_does_not_answer_is_waited_for_in_bounds(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    let ways = [Way::ProjectorToViews, Way::QueryToViews];
    let (told, ()) = Clients::run(CLIENTS, &mut rng, |clients| {
        clients.go_to(fleet.service("command").url());
        clients.until_placed(20);
        recovers(clients, &fleet);
        for cut_after in [None, Some(Cut::Reset)] {
            silence(&scene, ways);
            let asked = Instant::now();
            let answer = fleet.query().get("/customers/customer-0").problem(503, "read_store_unavailable");
            assert!(asked.elapsed() < PATIENCE, "{:?}: {answer}", asked.elapsed());
            fleet.query().get("/health/ready").problem(503, "not_ready");
            // Commands go on.
            clients.until_placed(20);
            end_silence(&scene, ways, cut_after);
            recovers(clients, &fleet);
        }
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

/// What the views are on plays no part.
fn a_write_store_that_does_not_answer_is_waited_for_in_bounds() {
    let mut rng = Rng::with_seed(chance::seed());
    let scene = Scene::new(Views::Postgres);
    let fleet = Fleet::start(&scene.place);
    let ways = [Way::CommandToEvents, Way::ProjectorToEvents];
    let (told, ()) = Clients::run(CLIENTS, &mut rng, |clients| {
        clients.go_to(fleet.service("command").url());
        clients.until_placed(20);
        for cut_after in [None, Some(Cut::Reset)] {
            silence(&scene, ways);
            // Each client is refused, in bounded time: its own checks see to that.
            clients.until_refused(CLIENTS);
            let health = fleet.command().get("/health/ready").problem(503, "not_ready");
            assert_eq!(health["write_store"]["state"], "down", "{health}");
            // Queries go on.
            fleet.query().get("/customers/customer-0").expect(200);
            end_silence(&scene, ways, cut_after);
            recovers(clients, &fleet);
        }
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

/// Nothing arrives any more, on either side, and nobody is told.
fn silence(scene: &Scene, ways: [Way; 2]) {
    for way in ways {
        scene.proxy(way).set(Condition::BlackHole);
    }
}

/// What was on its way arrives, unless the connections are cut.
fn end_silence(scene: &Scene, ways: [Way; 2], cut: Option<Cut>) {
    for way in ways {
        let proxy = scene.proxy(way);
        cut.map(|cut| proxy.cut(cut));
        proxy.set(Condition::Forward);
    }
}
