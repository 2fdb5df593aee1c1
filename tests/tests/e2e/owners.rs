//! Several projectors on the same stores, of which one at a time builds a projection.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    deadline::eventually, http::Client, model::Model, orders::place, place::Place, service::Service,
    stores::Stores,
};

/// The promise: another one takes over, and the views are as fresh as before.
const BACK: &str = "5s";

on_shared_stores! {
    one_projector_builds_a_projection_and_another_takes_over_when_it_stops_or_dies,
}

fn states(projector: &Service) -> Vec<String> {
    let answer = projector.client().get("/health/ready").send();
    let health: Value = serde_json::from_slice(&answer.body).expect("health is JSON");
    let projections = health["projections"].as_array().cloned().unwrap_or_default();
    projections.iter().map(|projection| projection["state"].to_string().replace('"', "")).collect()
}

/// Which process runs each projection, as another one shows it; `None` where not each has one.
fn owners(client: &Client) -> Option<BTreeMap<String, String>> {
    let health: Value =
        serde_json::from_slice(&client.get("/health/ready").send().body).expect("health is JSON");
    let owner = |projection: &Value| {
        Some((projection["name"].as_str()?.to_owned(), projection["owner"].as_str()?.to_owned()))
    };
    health["projections"].as_array().expect("a list").iter().map(owner).collect()
}

fn is_all(projector: &Service, state: &str) -> Option<()> {
    states(projector).iter().all(|is| is == state).then_some(())
}

/// A new order shows within the promised time.
#[track_caller]
fn views_move_on(command: &Client, query: &Client) {
    let placed = place(command, "ada");
    for path in [placed.path(), "/customers/ada".to_owned()] {
        let fresh = query.get(&path).header("consistency-token", &placed.token);
        fresh.header("consistency-timeout", BACK).expect(200);
    }
}

fn one_projector_builds_a_projection_and_another_takes_over_when_it_stops_or_dies(stores: Stores) {
    let files = Place::new(stores);
    let (command, query) = (files.start("command"), files.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut owner = files.start("projector");
    views_move_on(&command, &query);
    eventually("it runs both", || is_all(&owner, "live"));
    let mut before = BTreeMap::new();
    for graceful in [true, false, true, false] {
        let other = files.start("projector");
        eventually("the other one stands by", || is_all(&other, "standby"));
        let named = eventually("all name the same owner", || {
            let clients = [&owner.client(), &other.client(), &query];
            let [of_owner, of_other, of_query] = clients.map(owners);
            of_owner.filter(|named| of_other.as_ref() == Some(named) && of_query.as_ref() == Some(named))
        });
        assert!(named.values().all(|owner| owner.starts_with("process ")), "{named:?}");
        assert_ne!(named, before);
        before = named;
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
