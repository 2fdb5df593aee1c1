use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::{LogId, Position, Token},
    memory::{MemoryEventStore, MemoryViewStore},
    prelude::Timestamp,
    store::{EventStore, ViewStore},
};
use order_service::Role;
use serde_json::{Value, json};

use crate::client::{Client, Reply, on_each_store, order_of};

/// A service that takes commands, and one that answers queries, without anything in between.
struct Apart {
    events: Arc<dyn EventStore>,
    views: Arc<dyn ViewStore>,
    commands: Client,
    queries: Client,
}

impl Apart {
    async fn new() -> Self {
        let events: Arc<dyn EventStore> = Arc::new(MemoryEventStore::new());
        let views: Arc<dyn ViewStore> = Arc::new(MemoryViewStore::new());
        let commands = Client::start(Role::Command, Some(Arc::clone(&events)), None).await;
        let queries = Client::start(Role::Query, None, Some(Arc::clone(&views))).await;
        Self { events, views, commands, queries }
    }

    async fn project(&self) -> Client {
        let (events, views) = (Arc::clone(&self.events), Arc::clone(&self.views));
        Client::start(Role::Projector, Some(events), Some(views)).await
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["orders"].as_array().unwrap().iter().map(|order| order["order_id"].as_str().unwrap()).collect()
}

fn assert_fresh(reply: &Reply, position: u64) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.header("consistency-position").parse::<u64>().unwrap() >= position);
    assert_eq!(reply.header("consistency-stale"), "false");
    let lag = reply.header("consistency-lag").strip_suffix("ms").expect("milliseconds");
    assert!(lag.parse::<u64>().is_ok(), "{lag}");
    assert!(reply.token().parse::<Token>().unwrap().position() >= Position::new(position));
}

on_each_store! {
    async fn an_order_is_seen_as_it_stands(client) {
        let placed = client.place("o1", "ada").await;
        let reply = client.get_after("/orders/o1", &placed).await;
        assert_fresh(&reply, 1);
        let order = reply.json();
        let at = order["placed_at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.parse::<Timestamp>().is_ok(), "{at}");
        let lines = json!([{ "sku": "tea", "quantity": 2, "unit_price_cents": 450 }]);
        assert_eq!(order, json!({
            "order_id": "o1", "customer_id": "ada", "status": "placed", "lines": lines, "total_cents": 900,
            "placed_at": at, "updated_at": at,
        }));

        let confirmed = client.confirm("o1").await;
        let order = client.get_after("/orders/o1", &confirmed).await.json();
        assert_eq!((&order["status"], &order["placed_at"]), (&json!("confirmed"), &json!(at)));
        assert!(order["updated_at"].as_str().unwrap().parse::<Timestamp>().unwrap() >= at.parse().unwrap());
        let cancelled = client.cancel("o1").await;
        assert_eq!(client.get_after("/orders/o1", &cancelled).await.json()["status"], "cancelled");
    }

    async fn an_order_that_was_never_placed_is_not_found(client) {
        let placed = client.place("o1", "ada").await;
        let reply = client.get_after("/orders/o2", &placed).await;
        reply.problem(404, "order_not_found");
        assert_eq!(reply.header("consistency-position"), "1");
    }

    async fn a_customers_orders_come_newest_first_page_by_page(client) {
        let mut last = client.place("o0", "ada").await;
        for order in 1..5 {
            last = client.place(&format!("o{order}"), "ada").await;
        }
        client.place("other", "bob").await;
        let reply = client.get_after("/customers/ada/orders", &last).await;
        assert_fresh(&reply, 5);
        let page = reply.json();
        assert_eq!(ids(&page), ["o4", "o3", "o2", "o1", "o0"]);
        assert_eq!(page["next"], Value::Null);
        assert_eq!(page["orders"][0], client.get_after("/orders/o4", &last).await.json());

        let (mut found, mut path) = (Vec::new(), "/customers/ada/orders?limit=2".to_owned());
        for pages in 1.. {
            let page = client.get_after(&path, &last).await.json();
            found.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next"].as_str() else {
                assert_eq!(pages, 3);
                break;
            };
            path = format!("/customers/ada/orders?limit=2&after={next}");
        }
        assert_eq!(found, ["o4", "o3", "o2", "o1", "o0"]);
    }

    async fn a_customers_orders_can_be_asked_for_by_status(client) {
        for order in ["o1", "o2", "o3"] {
            client.place(order, "ada").await;
        }
        client.confirm("o1").await;
        let last = client.cancel("o2").await;
        for (status, order) in [("confirmed", "o1"), ("cancelled", "o2"), ("placed", "o3")] {
            let page = client.get_after(&format!("/customers/ada/orders?status={status}"), &last).await.json();
            assert_eq!(ids(&page), [order]);
        }
    }

    async fn a_customer_without_orders_has_an_empty_list_and_zeros(client) {
        assert_eq!(client.get("/customers/nobody/orders").await.json(), json!({ "orders": [], "next": null }));
        let zeros = json!({ "customer_id": "nobody", "orders": 0, "confirmed": 0, "cancelled": 0, "total_cents": 0 });
        assert_eq!(client.get("/customers/nobody").await.json(), zeros);
    }

    async fn a_customers_sums_leave_cancelled_orders_out_of_the_total(client) {
        for order in ["o1", "o2", "o3", "o4"] {
            client.place(order, "ada").await;
        }
        client.place("other", "bob").await;
        client.confirm("o1").await;
        client.confirm("o2").await;
        client.cancel("o2").await;
        let last = client.cancel("o3").await;
        let reply = client.get_after("/customers/ada", &last).await;
        assert_fresh(&reply, 9);
        let sums = json!({ "customer_id": "ada", "orders": 4, "confirmed": 1, "cancelled": 2, "total_cents": 1800 });
        assert_eq!(reply.json(), sums);
    }

    async fn the_history_shows_each_event_from_the_log(client) {
        let placed = client.place("o1", "ada").await;
        client.place("o2", "ada").await;
        client.post_with("/orders/o1/confirm", &[("Idempotency-Key", "k")], &json!({})).await;
        let cancelled = client.cancel("o1").await;
        let reply = client.get_with("/orders/o1/history", &[("Consistency-Token", &cancelled.token())]).await;
        assert_fresh(&reply, 4);
        let history = reply.json();
        let events = history["events"].as_array().unwrap();
        let of = |member: &str| events.iter().map(|event| event[member].clone()).collect::<Vec<_>>();
        assert_eq!(of("type"), ["order_placed", "order_confirmed", "order_cancelled"]);
        assert_eq!(of("version"), [1, 2, 3]);
        assert_eq!(of("position"), [1, 3, 4]);
        assert_eq!(of("schema_version"), [1, 1, 1]);
        assert_eq!(of("data")[2], json!({ "customer_id": "ada", "reason": "changed my mind", "was_confirmed": true, "total_cents": 900 }));
        for event in events {
            assert!(event["recorded_at"].as_str().unwrap().parse::<Timestamp>().is_ok());
            for id in ["event_id", "correlation_id", "causation_id"] {
                assert_eq!(event[id].as_str().unwrap().len(), 36);
            }
        }
        client.get("/orders/o3/history").await.problem(404, "order_not_found");
        let foreign = Token::new(LogId::generate(), Position::new(1)).to_string();
        client.get_with("/orders/o1/history", &[("Consistency-Token", &foreign)]).await.problem(409, "foreign_token");
        let beyond: Token = placed.token().parse().unwrap();
        let beyond = Token::new(beyond.log(), Position::new(99)).to_string();
        let problem = client.get_with("/orders/o1/history", &[("Consistency-Token", &beyond)]).await;
        assert_eq!(problem.problem(504, "not_yet_consistent")["applied"], 4);
        let stale = [("Consistency-Token", beyond.as_str()), ("Consistency-Fallback", "stale")];
        assert_eq!(client.get_with("/orders/o1/history", &stale).await.header("consistency-stale"), "true");
    }

    async fn a_bound_on_the_lag_is_met_by_a_view_that_follows(client) {
        let placed = client.place("o1", "ada").await;
        let within = [("Consistency-Max-Lag", "30s"), ("Consistency-Timeout", "30s")];
        assert_fresh(&client.get_with("/customers/ada", &within).await, 0);
        let token = placed.token();
        let both = [within[0], within[1], ("Consistency-Token", token.as_str())];
        assert_fresh(&client.get_with("/orders/o1", &both).await, 1);
    }

    async fn a_token_of_another_log_is_refused(client) {
        let placed = client.place("o1", "ada").await;
        client.get_after("/orders/o1", &placed).await;
        let foreign = Token::new(LogId::generate(), Position::new(1)).to_string();
        for path in ["/orders/o1", "/customers/ada", "/customers/ada/orders"] {
            let problem = client.get_with(path, &[("Consistency-Token", &foreign)]).await.problem(409, "foreign_token");
            assert_ne!(problem["expected"], problem["actual"]);
        }
    }

    async fn a_query_that_makes_no_sense_is_refused_naming_what(client) {
        let list = "/customers/ada/orders";
        for limit in ["0", "201", "-1", "x", "", "1.5"] {
            let detail = client.get(&format!("{list}?limit={limit}")).await.detail(400, "bad_limit");
            assert!(detail.contains("`limit`"), "{detail}");
        }
        client.get(&format!("{list}?limit=1&limit=2")).await.problem(400, "bad_limit");
        client.get(&format!("{list}?status=lost")).await.problem(400, "bad_status");
        client.get(&format!("{list}?after=nonsense")).await.problem(400, "bad_after");
        for path in ["/orders/o1", "/orders/o1/history", "/customers/ada", list] {
            for (name, value, code) in [
                ("Consistency-Token", "nonsense", "bad_token"),
                ("Consistency-Token", "", "bad_token"),
                ("Consistency-Timeout", "soon", "bad_timeout"),
                ("Consistency-Timeout", "31s", "bad_timeout"),
                ("Consistency-Timeout", "30001ms", "bad_timeout"),
                ("Consistency-Max-Lag", "-2s", "bad_max_lag"),
                ("Consistency-Fallback", "fresh", "bad_fallback"),
            ] {
                client.get_with(path, &[(name, value)]).await.problem(400, code);
            }
        }
        assert_eq!(client.get(&format!("{list}?limit=200&unknown=1")).await.status, 200);
    }
}

#[tokio::test]
async fn a_view_that_is_not_as_fresh_as_asked_for_says_how_far_it_is() {
    let Apart { commands, queries, .. } = Apart::new().await;
    let placed = commands.place("o1", "ada").await;
    let token = placed.token();
    let soon = [("Consistency-Token", token.as_str()), ("Consistency-Timeout", "10ms")];
    for path in ["/orders/o1", "/customers/ada", "/customers/ada/orders"] {
        let problem = queries.get_with(path, &soon).await.problem(504, "not_yet_consistent");
        assert_eq!((&problem["applied"], &problem["head"]), (&json!(0), &json!(1)));
        assert!(problem["lag"].as_str().unwrap().ends_with("ms"));
    }
    let bound = [("Consistency-Max-Lag", "1s"), ("Consistency-Timeout", "10ms")];
    queries.get_with("/orders/o1", &bound).await.problem(504, "not_yet_consistent");
}

#[tokio::test]
async fn a_stale_answer_is_given_where_it_is_wanted_and_says_so() {
    let Apart { commands, queries, .. } = Apart::new().await;
    let token = commands.place("o1", "ada").await.token();
    let stale = [
        ("Consistency-Token", token.as_str()),
        ("Consistency-Timeout", "0ms"),
        ("Consistency-Fallback", "stale"),
    ];
    let sums = queries.get_with("/customers/ada", &stale).await;
    assert_eq!((sums.status.as_u16(), &sums.json()["orders"]), (200, &json!(0)));
    assert_eq!((sums.header("consistency-stale"), sums.header("consistency-position")), ("true", "0"));
    let order = queries.get_with("/orders/o1", &stale).await;
    order.problem(404, "order_not_found");
    assert_eq!(order.header("consistency-stale"), "true");
    let with_bound = [("Consistency-Max-Lag", "30s"), stale[0], stale[1], stale[2]];
    assert_eq!(queries.get_with("/customers/ada", &with_bound).await.header("consistency-stale"), "true");
}

#[tokio::test]
async fn a_waiting_query_is_answered_once_another_process_has_built_the_view() {
    let apart = Apart::new().await;
    let placed = apart.commands.place("o1", "ada").await;
    let waiting = {
        let queries = apart.queries.clone();
        tokio::spawn(async move { queries.get_after("/orders/o1", &placed).await })
    };
    tokio::task::yield_now().await;
    let projector = apart.project().await;
    assert_fresh(&waiting.await.unwrap(), 1);

    // What a query was told, the next one does not fall behind.
    apart.commands.confirm("o1").await;
    let token = apart.queries.get("/customers/ada").await.token();
    let next = apart.queries.get_with("/orders/o1", &[("Consistency-Token", &token)]).await;
    assert_fresh(&next, token.parse::<Token>().unwrap().position().get());
    projector.service.stop().await;
}

#[tokio::test]
async fn a_bound_on_the_lag_holds_between_processes() {
    let apart = Apart::new().await;
    let projector = apart.project().await;
    let placed = apart.commands.place("o1", "ada").await;
    apart.queries.get_after("/orders/o1", &placed).await;
    let bound = [("Consistency-Max-Lag", "10s"), ("Consistency-Timeout", "30s")];
    let reply = apart.queries.get_with("/orders/o1", &bound).await;
    assert_fresh(&reply, 1);
    let lag = reply.header("consistency-lag").strip_suffix("ms").unwrap().parse().map(Duration::from_millis);
    assert!(lag.unwrap() <= Duration::from_secs(10));

    // The bound is kept, but not the token: it asks for what has not happened yet.
    let token: Token = placed.token().parse().unwrap();
    let token = Token::new(token.log(), Position::new(99)).to_string();
    let stale = [
        bound[0],
        ("Consistency-Token", &token),
        ("Consistency-Timeout", "20ms"),
        ("Consistency-Fallback", "stale"),
    ];
    assert_eq!(apart.queries.get_with("/orders/o1", &stale).await.header("consistency-stale"), "true");
    projector.service.stop().await;
}

#[tokio::test]
async fn one_page_of_many_orders_has_50_unless_asked_otherwise() {
    let client = Client::in_memory().await;
    for order in 0..60 {
        let reply = client.post("/orders", &order_of(&format!("o{order}"), "ada")).await;
        assert_eq!(reply.status, 201);
    }
    let last = client.confirm("o0").await;
    let page = client.get_after("/customers/ada/orders", &last).await.json();
    assert_eq!(ids(&page).len(), 50);
    assert!(page["next"].is_string());
    assert_eq!(ids(&client.get("/customers/ada/orders?limit=200").await.json()).len(), 60);
}
