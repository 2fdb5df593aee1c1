use std::{path::Path, sync::Arc, time::Duration};

use clap::Parser as _;
use cqrs_core::memory::{MemoryEventStore, MemoryViewStore};
use order_service::{Options, Role, Service};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, on_each_store};

fn projection<'a>(ready: &'a Value, name: &str) -> &'a Value {
    let projections = ready["projections"].as_array().unwrap();
    projections.iter().find(|projection| projection["name"] == name).unwrap_or_else(|| panic!("{ready}"))
}

/// Asks until it is so. The limit only keeps a broken build from hanging.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let is_so = tokio::time::timeout(Duration::from_mins(1), asking).await;
    assert!(is_so.is_ok(), "it never came to this: {what}");
}

/// What a process is called that runs in this one.
fn is_here(owner: &Value) -> bool {
    owner.as_str().is_some_and(|owner| owner.starts_with(&format!("process {} on ", std::process::id())))
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
            assert!(is_here(&projection["owner"]), "{projection}");
            assert_eq!((projection.get("partitions"), projection.get("last_error")), (None, None));
        }
    }
}

/// A process on files that others use, too, with views of eight partitions.
async fn on_files(folder: &Path, role: &str) -> Client {
    let [write, read] = ["write.db", "read.db"].map(|name| format!("sqlite:{}", folder.join(name).display()));
    let arguments =
        ["order-service", "--role", role, "--write", &write, "--read", &read, "--partitions", "8"];
    Client::of(Service::open(&Options::parse_from(arguments)).await.expect("opens"))
}

#[tokio::test]
async fn whoever_builds_or_reads_a_view_shows_each_partition_of_it() {
    let folder = TempDir::new().unwrap();
    let command = on_files(folder.path(), "command").await;
    let projectors = [on_files(folder.path(), "projector").await, on_files(folder.path(), "projector").await];
    let query = on_files(folder.path(), "query").await;
    for order in ["o1", "o2", "o3"] {
        command.place(order, "ada").await;
    }
    let well = json!({ "applied": 3, "lag_events": 0, "lag": "0ms", "parked": 0 });
    let is_well = |nth: usize, partition: &Value| {
        let mut partition = partition.clone();
        let owner = partition["owner"].take();
        let (mut well, name) = (well.clone(), format!("{nth}/8"));
        (well["partition"], well["owner"]) = (json!(name), Value::Null);
        is_here(&owner) && partition == well
    };
    for client in [&projectors[0], &projectors[1], &query] {
        eventually("it shows all partitions", async || {
            let body = client.get("/health/ready").await.json();
            let projections = body["projections"].as_array().unwrap();
            assert_eq!(projections.len(), 2);
            projections.iter().all(|projection| {
                let partitions = projection["partitions"].as_array().map_or(&[][..], Vec::as_slice);
                is_here(&projection["owner"])
                    && projection["applied"] == 3
                    && partitions.len() == 8
                    && partitions.iter().enumerate().all(|(nth, partition)| is_well(nth, partition))
            })
        })
        .await;
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
    let owner =
        async || projection(&query.get("/health/ready").await.json(), "order_summary")["owner"].clone();
    eventually("it shows who builds it", async || is_here(&owner().await)).await;
    projector.service.stop().await;
    eventually("nobody does", async || owner().await.is_null()).await;
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
