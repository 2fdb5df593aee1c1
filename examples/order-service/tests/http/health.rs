use std::sync::Arc;

use cqrs_core::memory::{MemoryEventStore, MemoryViewStore};
use order_service::Role;
use serde_json::{Value, json};

use crate::client::{Client, on_each_store};

fn projection<'a>(ready: &'a Value, name: &str) -> &'a Value {
    let projections = ready["projections"].as_array().unwrap();
    projections.iter().find(|projection| projection["name"] == name).unwrap_or_else(|| panic!("{ready}"))
}

/// Asks until the service is ready, and each of its projections has come this far.
async fn ready(client: &Client, applied: u64) -> Value {
    loop {
        let reply = client.get("/health/ready").await;
        let body = reply.json();
        let projections = body["projections"].as_array().unwrap();
        if reply.status == 200 && projections.iter().all(|projection| projection["applied"] == applied) {
            return body;
        }
        if reply.status != 200 {
            reply.problem(503, "not_ready");
        }
        tokio::task::yield_now().await;
    }
}

on_each_store! {
    async fn a_process_that_is_well_shows_its_stores_and_how_far_its_projections_are(client) {
        assert_eq!(client.get("/health/live").await.json(), json!({ "live": true }));
        client.place("o1", "ada").await;
        let ready = ready(&client, 1).await;
        assert_eq!((&ready["ready"], &ready["role"]), (&json!(true), &json!("all")));
        assert_eq!(ready["write_store"], json!({ "state": "up", "head": 1 }));
        assert_eq!(ready["read_store"], json!({ "state": "up" }));
        for name in ["order_summary", "customer_summary"] {
            let projection = projection(&ready, name);
            assert_eq!((&projection["applied"], &projection["head"]), (&json!(1), &json!(1)));
            assert_eq!((&projection["lag_events"], &projection["lag"]), (&json!(0), &json!("0ms")));
            assert_eq!((&projection["max_lag"], &projection["parked"]), (&json!("2000ms"), &json!(0)));
        }
    }
}

#[tokio::test]
async fn a_process_that_only_answers_queries_shows_the_views_that_others_build() {
    let (events, views) = (Arc::new(MemoryEventStore::new()), Arc::new(MemoryViewStore::new()));
    let query = Client::start(Role::Query, None, Some(views.clone())).await;
    let (reply, problem) = loop {
        let reply = query.get("/health/ready").await;
        let problem = reply.problem(503, "not_ready");
        // It looks at once, but not before it is asked.
        if projection(&problem, "order_summary")["state"] != "unknown" {
            break (reply, problem);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!((&problem["read_store"], &problem["ready"]), (&json!({ "state": "up" }), &json!(false)));
    let order_summary = projection(&problem, "order_summary");
    assert_eq!(order_summary["state"], "not_built");
    assert!(
        order_summary["reason"].is_string() && problem["detail"].as_str().unwrap().contains("order_summary")
    );
    assert_eq!(problem.get("write_store"), None);

    let projector = Client::start(Role::Projector, Some(events), Some(views)).await;
    let well = ready(&query, 0).await;
    assert_eq!(
        (&well["role"], &projection(&well, "customer_summary")["state"]),
        (&json!("query"), &json!("running"))
    );
    assert_eq!(ready(&projector, 0).await["role"], "projector");
}

#[tokio::test]
async fn a_process_that_only_takes_commands_shows_the_write_store_alone() {
    let command = Client::start(Role::Command, Some(Arc::new(MemoryEventStore::new())), None).await;
    let expected = json!({ "ready": true, "role": "command", "write_store": { "state": "up", "head": 0 }, "projections": [] });
    assert_eq!(command.get("/health/ready").await.json(), expected);
}

#[tokio::test]
async fn a_projection_that_was_stopped_makes_the_process_not_ready() {
    let client = Client::in_memory().await;
    client.service.stop().await;
    let problem = client.get("/health/ready").await.problem(503, "not_ready");
    assert_eq!(projection(&problem, "order_summary")["state"], "stopped");
}
