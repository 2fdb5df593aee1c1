//! Servers that go away under load and come back.

use fastrand::Rng;

use super::scene::{Scene, Views, Way, recovers, recovers_at};
use crate::{
    chance,
    deadline::eventually,
    fleet::Fleet,
    load::{self, Clients},
    place::{Names, Place},
    proxy::Condition,
    servers::{Postgres, Shutdown},
};

const CLIENTS: usize = 8;
const OUTAGES: usize = 3;

fault_tests! {
    each: [
        a_write_store_that_is_restarted_at_once_under_load_loses_and_repeats_nothing,
        a_read_store_that_is_killed_under_load_holds_up_no_command_and_loses_nothing
    ],
    alone: [one_service_on_one_server_comes_back_with_it],
    mongo: []
}

fn a_write_store_that_is_restarted_at_once_under_load_loses_and_repeats_nothing(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let mut scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(fleet.service("command").url());
        for _ in 0..OUTAGES {
            clients.until_placed(rng.usize(1..60));
            recovers(clients, &fleet);
            scene.events.stop(Shutdown::Immediate);
            for way in [Way::CommandToEvents, Way::ProjectorToEvents] {
                scene.proxy(way).set(Condition::Refuse);
            }
            clients.until_refused(CLIENTS);
            let health = fleet.command().get("/health/ready").problem(503, "not_ready");
            assert_eq!(health["write_store"]["state"], "down", "{health}");
            // Queries go on.
            fleet.query().get("/customers/customer-0").expect(200);

            for way in [Way::CommandToEvents, Way::ProjectorToEvents] {
                scene.proxy(way).set(Condition::Forward);
            }
            scene.events.resume();
            recovers(clients, &fleet);
        }
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

fn a_read_store_that_is_killed_under_load_holds_up_no_command_and_loses_nothing(views: Views) {
    let mut rng = Rng::with_seed(chance::seed());
    let mut scene = Scene::new(views);
    let fleet = Fleet::start(&scene.place);
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(fleet.service("command").url());
        for _ in 0..OUTAGES {
            clients.until_placed(rng.usize(1..60));
            recovers(clients, &fleet);
            let refused = clients.refused();
            scene.views.kill();
            for way in [Way::ProjectorToViews, Way::QueryToViews] {
                scene.proxy(way).set(Condition::Refuse);
            }
            clients.until_placed(30);
            fleet.query().get("/customers/customer-0").problem(503, "read_store_unavailable");
            eventually("health says so", || {
                let health = fleet.service("projector").client().get("/health/ready").send();
                (health.status == 503 && health.problem()["read_store"]["state"] == "down").then_some(())
            });
            assert_eq!(clients.refused(), refused, "commands go on");

            for way in [Way::ProjectorToViews, Way::QueryToViews] {
                scene.proxy(way).set(Condition::Forward);
            }
            scene.views.resume();
            recovers(clients, &fleet);
        }
    });
    load::check(&scene.place, &fleet.command(), &fleet.query(), &told);
}

/// One process, one server, and nothing in between.
fn one_service_on_one_server_comes_back_with_it() {
    let mut rng = Rng::with_seed(chance::seed());
    let mut server = Postgres::start();
    let place = Place::on(Names::new(server.url(), server.url()), Vec::new());
    let service = place.start("all");
    let client = service.client();
    let (told, ()) = Clients::run(CLIENTS, &mut rng.fork(), |clients| {
        clients.go_to(service.url());
        for shutdown in [Shutdown::Immediate, Shutdown::Fast, Shutdown::Kill] {
            clients.until_placed(rng.usize(1..60));
            server.stop(shutdown);
            clients.until_refused(CLIENTS);
            client.get("/customers/customer-0").problem(503, "read_store_unavailable");
            client.get("/health/ready").problem(503, "not_ready");
            server.resume();
            recovers_at(clients, &client, &client);
        }
    });
    load::check(&place, &client, &client, &told);
}
