use std::sync::Arc;

use clap::Parser as _;
use cqrs_core::memory::{MemoryEventStore, MemoryViewStore};
use order_service::{Options, Role, Service, http};
use serde_json::json;

use crate::client::{Client, order_of};

#[tokio::test]
async fn a_role_answers_its_own_routes_and_says_who_answers_the_others() {
    let (events, views) = (Arc::new(MemoryEventStore::new()), Arc::new(MemoryViewStore::new()));
    let command = Client::start(Role::Command, Some(events.clone()), None).await;
    let query = Client::start(Role::Query, None, Some(views.clone())).await;
    let projector = Client::start(Role::Projector, Some(events), Some(views)).await;

    let placed = command.place("o1", "ada").await;
    assert_eq!(query.get_after("/orders/o1", &placed).await.status, 200);
    assert_eq!(command.get("/orders/o1/history").await.status, 200);

    for path in ["/orders/o1", "/customers/ada", "/customers/ada/orders"] {
        for client in [&command, &projector] {
            let detail = client.get(path).await.detail(404, "not_in_this_role");
            assert!(detail.contains("`query`"), "{detail}");
        }
    }
    for client in [&query, &projector] {
        let problems = [
            client.post("/orders", &order_of("o2", "ada")).await,
            client.post("/orders/o1/confirm", &json!({})).await,
            client.post("/orders/o1/cancel", &json!({ "reason": "x" })).await,
            client.get("/orders/o1/history").await,
        ];
        for problem in problems {
            let detail = problem.detail(404, "not_in_this_role");
            assert!(detail.contains("`command`"), "{detail}");
        }
    }
    for client in [&command, &query, &projector] {
        assert_eq!(client.get("/health/live").await.status, 200);
        assert_eq!(client.get("/openapi.json").await.status, 200);
        client.get("/").await.problem(404, "not_in_this_role");
    }
}

#[tokio::test]
async fn a_role_opens_only_the_stores_that_it_needs() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let open = async |role: &str, write: &str, read: &str| {
        let (write, read) =
            (format!("sqlite:{}", path(write).display()), format!("sqlite:{}", path(read).display()));
        let arguments = ["order-service", "--role", role, "--write", &write, "--read", &read];
        let service = Service::open(&Options::parse_from(arguments)).await.expect("opens");
        drop(http::router(&service));
        service.stop().await;
    };
    open("command", "a/write.db", "a/read.db").await;
    assert!(path("a/write.db").exists() && !path("a/read.db").exists());
    open("query", "b/write.db", "b/read.db").await;
    assert!(!path("b/write.db").exists() && path("b/read.db").exists());
    open("projector", "c/write.db", "c/read.db").await;
    assert!(path("c/write.db").exists() && path("c/read.db").exists());
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_named_without_its_secrets() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("file"),
        "no database at all, just a long enough text to be read as one",
    )
    .unwrap();
    let broken = format!("sqlite:{}", folder.path().join("file").display());
    let fails = async |write: &str, read: &str| {
        let arguments = ["order-service", "--write", write, "--read", read];
        let error = Service::open(&Options::parse_from(arguments)).await.expect_err("fails");
        cqrs_core::runtime::with_causes(&error)
    };
    for (write, read, said) in [
        ("mongodb://ada:secret@db/orders", "memory:", "views only"),
        ("memory:", "oracle://ada:secret@db/orders", "--read"),
        ("secret", "memory:", "--write"),
        ("sqlite:", "memory:", "--write"),
        ("sqlite:same.db", "sqlite:same.db", "--write and --read"),
        (broken.as_str(), "memory:", "--write"),
    ] {
        let error = fails(write, read).await;
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("secret") && !error.contains('\n'), "{error}");
    }
}

#[cfg(not(any(feature = "postgres", feature = "mongodb")))]
#[tokio::test]
async fn a_store_that_is_not_built_in_is_refused_with_the_feature_that_brings_it() {
    for (write, read, features) in [
        ("postgres://ada:secret@db/orders", "memory:", ["--write", "--features postgres"]),
        ("postgresql://ada:secret@db/orders", "memory:", ["--write", "--features postgres"]),
        ("memory:", "postgres://ada:secret@db/orders", ["--read", "--features postgres"]),
        ("memory:", "mongodb://ada:secret@db/orders", ["--read", "--features mongodb"]),
        ("memory:", "mongodb+srv://ada:secret@db/orders", ["--read", "--features mongodb"]),
    ] {
        let arguments = ["order-service", "--write", write, "--read", read];
        let error = Service::open(&Options::parse_from(arguments)).await.expect_err("fails").to_string();
        assert!(features.iter().all(|said| error.contains(said)) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn the_options_have_the_documented_defaults_and_names() {
    let options = Options::parse_from(["order-service"]);
    assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(options.write, "sqlite:data/orders-write.db");
    assert_eq!(options.read, "sqlite:data/orders-read.db");
    assert_eq!(options.role, Role::All);
    let command = <Options as clap::CommandFactory>::command();
    for name in ["listen", "write", "read", "role"] {
        let argument =
            command.get_arguments().find(|argument| argument.get_long() == Some(name)).expect("is there");
        assert_eq!(
            argument.get_env().unwrap().to_str().unwrap(),
            format!("ORDER_SERVICE_{}", name.to_uppercase())
        );
    }
    for role in ["all", "command", "projector", "query"] {
        assert_eq!(Options::parse_from(["order-service", "--role", role]).role.to_string(), role);
    }
}
