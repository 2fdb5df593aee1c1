//! The lag that projections promise, checked by a process that only reads.

use std::time::Duration;

use serde_json::Value;

use crate::{
    deadline::{eventually, within},
    http::Answer,
    metrics::{Metrics, lag, of},
    orders::place,
    place::Place,
    service::Service,
    stores::Stores,
};

/// A few times what the demo's views promise, as the machine has other things to do.
const SOON: Duration = Duration::from_secs(15);

const PROJECTIONS: [&str; 2] = ["order_summary", "customer_summary"];

on_shared_stores! {
    an_owner_that_dies_breaches_its_promise_on_the_query_side_and_recovers_by_itself,
}

pub(crate) fn ready(query: &Service) -> Answer {
    query.client().get("/health/ready").send()
}

pub(crate) fn projections(health: &Value) -> Vec<&Value> {
    health["projections"].as_array().expect("a list").iter().collect()
}

pub(crate) fn breaches(query: &Service) -> [u64; 2] {
    let metrics = Metrics::of(&query.client());
    PROJECTIONS
        .map(|projection| metrics.count(&of("cqrs_projection_lag_breaches_total", projection, "reader")))
}

fn an_owner_that_dies_breaches_its_promise_on_the_query_side_and_recovers_by_itself(stores: Stores) {
    let files = Place::new(stores);
    let (command, query) = (files.start("command"), files.start("query"));
    let mut projector = files.start("projector");
    place(&command.client(), "ada");
    eventually("the query side is well", || (ready(&query).status == 200).then_some(()));
    for _ in 0..2 {
        let before = breaches(&query);
        projector.kill();
        let health = within(SOON, "the death is noticed", || {
            Some(ready(&query))
                .filter(|it| it.status == 503)
                .map(|it| it.problem())
                .filter(|health| projections(health).iter().all(|projection| projection["breached"] == true))
                .filter(|health| projections(health).iter().all(|projection| projection["owner"].is_null()))
        });
        assert_eq!(health["read_store"]["state"], "up", "{health}");
        for projection in projections(&health) {
            assert!(projection["reason"].as_str().is_some_and(|why| why.contains("behind")), "{health}");
            assert_eq!(projection["max_lag"], "2000ms", "{health}");
        }
        let late = |metrics: &Metrics, projection| {
            metrics.get(&lag("seconds", projection, "reader")).is_some_and(|lag| lag > 2.0)
        };
        let breached = eventually("the numbers say so too", || {
            let metrics = Metrics::of(&query.client());
            let now = breaches(&query);
            let told = now.iter().zip(before).all(|(now, before)| *now > before);
            (told && PROJECTIONS.into_iter().all(|projection| late(&metrics, projection))).then_some(now)
        });
        let seconds = || Metrics::of(&query.client()).get(&lag("seconds", PROJECTIONS[0], "reader"));
        let then = seconds();
        eventually("the lag grows", || (seconds() > then).then_some(()));
        assert_eq!(breaches(&query), breached, "a crossing counts once");

        projector = files.start("projector");
        within(SOON, "it recovers by itself", || (ready(&query).status == 200).then_some(()));
        eventually("the gauges are back", || {
            let metrics = Metrics::of(&query.client());
            let is_zero = |projection| metrics.get(&lag("seconds", projection, "reader")) == Some(0.0);
            PROJECTIONS.into_iter().all(is_zero).then_some(())
        });
    }
}
