use std::sync::Arc;

use cqrs_core::memory::MemoryViewStore;
use cqrs_sqlite::SqliteEventStore;
use order_service::Role;
use serde_json::{Value, json};

use crate::client::{Client, on_each_store, order_of};

const KEY: &[(&str, &str)] = &[("Idempotency-Key", "key-1")];

async fn events_of(client: &Client, order: &str) -> usize {
    client.get(&format!("/orders/{order}/history")).await.json()["events"].as_array().map_or(0, Vec::len)
}

fn without_id() -> Value {
    let mut body = order_of("", "ada");
    body.as_object_mut().unwrap().remove("order_id");
    body
}

on_each_store! {
    async fn the_same_request_with_the_same_key_gets_the_first_answer_again(client) {
        let body = order_of("o1", "ada");
        let first = client.post_with("/orders", KEY, &body).await;
        assert_eq!(first.status, 201);
        client.confirm("o1").await;
        assert_eq!(client.post_with("/orders", KEY, &body).await, first);
        // The same meaning in other words.
        let spaced = serde_json::to_string_pretty(&body).unwrap();
        assert_eq!(client.call(axum::http::Method::POST, "/orders", KEY, &spaced).await, first);
        assert_eq!(events_of(&client, "o1").await, 2);
    }

    async fn an_order_without_an_id_is_the_same_order_when_it_is_sent_again(client) {
        let first = client.post_with("/orders", KEY, &without_id()).await;
        assert_eq!(first.status, 201);
        assert_eq!(client.post_with("/orders", KEY, &without_id()).await, first);
        let other = client.post_with("/orders", &[("Idempotency-Key", "key-2")], &without_id()).await;
        assert_ne!(other.json()["order_id"], first.json()["order_id"]);
    }

    async fn each_command_repeats_its_answer(client) {
        client.place("o1", "ada").await;
        let confirm = client.post_with("/orders/o1/confirm", KEY, &json!({})).await;
        assert_eq!(confirm.status, 200);
        let cancel = client.post_with("/orders/o1/cancel", &[("Idempotency-Key", "key-2")], &json!({ "reason": "late" })).await;
        assert_eq!(cancel.status, 200);
        assert_eq!(client.post_with("/orders/o1/confirm", KEY, &json!({})).await, confirm);
        let again = client.post_with("/orders/o1/cancel", &[("Idempotency-Key", "key-2")], &json!({ "reason": "late" })).await;
        assert_eq!(again, cancel);
        assert_eq!(events_of(&client, "o1").await, 3);
    }

    async fn a_rejection_is_repeated_though_the_reason_is_gone(client) {
        let missing = client.post_with("/orders/o1/confirm", KEY, &json!({})).await;
        missing.problem(404, "order_not_found");
        client.place("o1", "ada").await;
        let late = &[("Idempotency-Key", "key-2"), ("If-Match", "\"2\"")];
        let mismatch = client.post_with("/orders/o1/confirm", late, &json!({})).await;
        mismatch.problem(412, "version_mismatch");
        let twice = &[("Idempotency-Key", "key-3")];
        let placed = client.post_with("/orders", twice, &order_of("o1", "ada")).await;
        placed.problem(409, "order_already_placed");
        client.confirm("o1").await;
        let confirmed = &[("Idempotency-Key", "key-4")];
        let rejected = client.post_with("/orders/o1/confirm", confirmed, &json!({})).await;
        rejected.problem(409, "order_already_confirmed");
        client.cancel("o1").await;

        assert_eq!(client.post_with("/orders/o1/confirm", KEY, &json!({})).await, missing);
        assert_eq!(client.post_with("/orders/o1/confirm", late, &json!({})).await, mismatch);
        assert_eq!(client.post_with("/orders", twice, &order_of("o1", "ada")).await, placed);
        assert_eq!(client.post_with("/orders/o1/confirm", confirmed, &json!({})).await, rejected);
        assert_eq!(events_of(&client, "o1").await, 3);
    }

    async fn the_same_key_with_another_request_is_refused(client) {
        client.post_with("/orders", KEY, &order_of("o1", "ada")).await;
        let other_value = json!({ "order_id": "o1", "customer_id": "ada", "lines": [{ "sku": "tea", "quantity": 3, "unit_price_cents": 450 }] });
        for (path, headers, body) in [
            ("/orders", KEY, order_of("o2", "ada")),
            ("/orders", KEY, other_value),
            ("/orders", KEY, without_id()),
            ("/orders", &[("Idempotency-Key", "key-1"), ("If-Match", "\"0\"")][..], order_of("o1", "ada")),
            ("/orders/o1/confirm", KEY, json!({})),
            ("/orders/o1/cancel", KEY, json!({ "reason": "x" })),
            ("/orders/o2/confirm", KEY, json!({})),
        ] {
            client.post_with(path, headers, &body).await.problem(422, "idempotency_key_reused");
        }
        assert_eq!(events_of(&client, "o1").await, 1);
        assert_eq!(events_of(&client, "o2").await, 0);
    }

    async fn of_racing_twins_one_is_done_and_both_are_told_the_same(client) {
        client.place("o1", "ada").await;
        let confirm = |key: String| {
            let client = client.clone();
            async move { client.post_with("/orders/o1/confirm", &[("Idempotency-Key", &key)], &json!({})).await }
        };
        let twins: Vec<_> = (0..8).map(|_| tokio::spawn(confirm("twin".to_owned()))).collect();
        let mut replies = Vec::new();
        for twin in twins {
            replies.push(twin.await.unwrap());
        }
        assert_eq!(replies[0].status, 200);
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
        assert_eq!(events_of(&client, "o1").await, 2);

        let rejected: Vec<_> = (0..8).map(|_| tokio::spawn(confirm("rejected".to_owned()))).collect();
        for twin in rejected {
            twin.await.unwrap().problem(409, "order_already_confirmed");
        }
    }
}

#[tokio::test]
async fn a_key_is_known_after_a_restart() {
    let folder = tempfile::TempDir::new().unwrap();
    let start = async || {
        let events = SqliteEventStore::open(folder.path().join("write.db")).await.unwrap();
        Client::start(Role::All, Some(Arc::new(events)), Some(Arc::new(MemoryViewStore::new()))).await
    };
    let rejected_key = &[("Idempotency-Key", "key-2")];
    let (first, rejected) = {
        let client = start().await;
        let first = client.post_with("/orders", KEY, &without_id()).await;
        let rejected = client.post_with("/orders/nobody/confirm", rejected_key, &json!({})).await;
        client.service.stop().await;
        (first, rejected)
    };
    rejected.problem(404, "order_not_found");
    let client = start().await;
    assert_eq!(client.post_with("/orders", KEY, &without_id()).await, first);
    assert_eq!(client.post_with("/orders/nobody/confirm", rejected_key, &json!({})).await, rejected);
    assert_eq!(events_of(&client, first.json()["order_id"].as_str().unwrap()).await, 1);
}
