use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::client::{Client, on_each_store, order_of};

on_each_store! {
    async fn placing_an_order_says_where_it_is_and_how_to_see_it(client) {
        let placed = client.place("o1", "ada").await;
        assert_eq!(placed.header("location"), "/orders/o1");
        assert_eq!(placed.header("content-type"), "application/json");
        let body = placed.json();
        assert_eq!(body, json!({ "order_id": "o1", "version": 1, "position": 1, "token": placed.token() }));
    }

    async fn an_order_without_an_id_gets_one(client) {
        let mut body = order_of("", "ada");
        body.as_object_mut().unwrap().remove("order_id");
        let (first, second) = (client.post("/orders", &body).await, client.post("/orders", &body).await);
        let id = |reply: &crate::client::Reply| reply.json()["order_id"].as_str().unwrap().to_owned();
        assert_ne!(id(&first), id(&second));
        assert_eq!(first.header("location"), format!("/orders/{}", id(&first)));
        assert_eq!(client.get_after(first.header("location"), &first).await.status, 200);
        body["order_id"] = Value::Null;
        assert_eq!(client.post("/orders", &body).await.status, 201);
    }

    async fn an_order_is_placed_once(client) {
        client.place("o1", "ada").await;
        client.post("/orders", &order_of("o1", "ada")).await.problem(409, "order_already_placed");
    }

    async fn confirming_and_cancelling_moves_the_version_and_gives_a_token(client) {
        client.place("o1", "ada").await;
        for (version, reply) in [(2, client.confirm("o1").await), (3, client.cancel("o1").await)] {
            assert_eq!(reply.status, 200);
            assert_eq!(reply.json(), json!({ "version": version, "position": version, "token": reply.token() }));
        }
    }

    async fn the_domain_rejects_what_has_happened_already(client) {
        client.place("o1", "ada").await;
        client.confirm("o1").await;
        client.confirm("o1").await.problem(409, "order_already_confirmed");
        client.cancel("o1").await;
        client.cancel("o1").await.problem(409, "order_already_cancelled");
        client.confirm("o1").await.problem(409, "order_already_cancelled");
        assert_eq!(client.get("/orders/o1/history").await.json()["events"].as_array().unwrap().len(), 3);
    }

    async fn an_order_that_was_never_placed_is_not_found(client) {
        client.confirm("nobody").await.problem(404, "order_not_found");
        client.cancel("nobody").await.problem(404, "order_not_found");
        let path = "/orders/nobody/confirm";
        client.post_with(path, &[("If-Match", "\"1\"")], &json!({})).await.problem(404, "order_not_found");
    }

    async fn a_command_with_if_match_runs_on_that_version_alone(client) {
        client.place("o1", "ada").await;
        let confirm = "/orders/o1/confirm";
        let problem = client.post_with(confirm, &[("If-Match", "\"2\"")], &json!({})).await.problem(412, "version_mismatch");
        assert_eq!((&problem["expected"], &problem["actual"]), (&json!(2), &json!(1)));
        assert_eq!(client.post_with(confirm, &[("If-Match", "\"1\"")], &json!({})).await.status, 200);
        let reason = json!({ "reason": "late" });
        client.post_with("/orders/o1/cancel", &[("If-Match", "\"1\"")], &reason).await.problem(412, "version_mismatch");
        assert_eq!(client.post_with("/orders/o1/cancel", &[("If-Match", "*")], &reason).await.status, 200);

        let place = order_of("o2", "ada");
        client.post_with("/orders", &[("If-Match", "\"1\"")], &place).await.problem(412, "version_mismatch");
        assert_eq!(client.post_with("/orders", &[("If-Match", "\"0\"")], &place).await.status, 201);
    }

    async fn a_wrong_value_is_named(client) {
        let line = |line: Value| json!({ "customer_id": "ada", "lines": [line] });
        let cases = [
            (json!({ "lines": [] }), "customer_id"),
            (json!({ "customer_id": "ada" }), "lines"),
            (json!({ "customer_id": "ada", "lines": [] }), "`lines`"),
            (json!({ "customer_id": "ada", "lines": {} }), "`lines`"),
            (json!({ "customer_id": "ada", "lines": [["tea", 1, 1]] }), "`lines[0]`"),
            (json!({ "customer_id": 7, "lines": [] }), "`customer_id`"),
            (json!({ "customer_id": "a b", "lines": [] }), "`customer_id`"),
            (json!({ "customer_id": "", "lines": [] }), "`customer_id`"),
            (json!({ "customer_id": "ada", "lines": [], "order_id": "a/b" }), "`order_id`"),
            (json!({ "customer_id": "ada", "lines": [], "order_id": "x".repeat(129) }), "`order_id`"),
            (line(json!({ "sku": "ä", "quantity": 1, "unit_price_cents": 1 })), "`lines[0].sku`"),
            (line(json!({ "sku": "tea", "unit_price_cents": 1 })), "`quantity`"),
            (line(json!({ "sku": "tea", "quantity": 0, "unit_price_cents": 1 })), "`lines[0].quantity`"),
            (line(json!({ "sku": "tea", "quantity": -1, "unit_price_cents": 1 })), "`lines[0].quantity`"),
            (line(json!({ "sku": "tea", "quantity": 1.5, "unit_price_cents": 1 })), "`lines[0].quantity`"),
            (line(json!({ "sku": "tea", "quantity": "1", "unit_price_cents": 1 })), "`lines[0].quantity`"),
            (line(json!({ "sku": "tea", "quantity": 1, "unit_price_cents": -1 })), "`lines[0].unit_price_cents`"),
            (line(json!({ "sku": "tea", "quantity": 1, "unit_price_cents": u64::MAX })), "`lines[0].unit_price_cents`"),
            (line(json!({ "sku": "tea", "quantity": 2, "unit_price_cents": i64::MAX })), "`lines`"),
            (json!([]), "an object"),
            (json!("order"), "an object"),
        ];
        for (body, named) in cases {
            let detail = client.post("/orders", &body).await.detail(422, "invalid_order");
            assert!(detail.contains(named), "{body}: {detail}");
        }
        client.place("o1", "ada").await;
        let too_long = "x".repeat(501);
        for body in [json!({}), json!({ "reason": 7 }), json!({ "reason": "" }), json!({ "reason": too_long })] {
            let detail = client.post("/orders/o1/cancel", &body).await.detail(422, "invalid_order");
            assert!(detail.contains("`reason`"), "{body}: {detail}");
        }
        assert_eq!(client.get("/orders/o1/history").await.json()["events"].as_array().unwrap().len(), 1);
    }

    async fn the_largest_total_is_an_order(client) {
        let line = json!({ "sku": "crown", "quantity": 1, "unit_price_cents": i64::MAX });
        for order in ["o1", "o2"] {
            let body = json!({ "order_id": order, "customer_id": "rex", "lines": [line] });
            assert_eq!(client.post("/orders", &body).await.status, 201);
        }
        let last = client.cancel("o1").await;
        let order = client.get_after("/orders/o2", &last).await.json();
        assert_eq!(order["total_cents"], i64::MAX);
        client.post("/orders/o1/confirm", &json!({})).await.problem(409, "order_already_cancelled");
        let customer = client.get_after("/customers/rex", &last).await.json();
        assert_eq!((&customer["orders"], &customer["total_cents"]), (&json!(2), &json!(i64::MAX)));
    }

    async fn a_body_that_is_no_json_is_told_from_one_of_another_shape(client) {
        client.place("o1", "ada").await;
        for (path, body) in [("/orders", ""), ("/orders", "{"), ("/orders", "order"), ("/orders/o1/cancel", ""), ("/orders/o1/confirm", "yes")] {
            client.call(Method::POST, path, &[], body).await.problem(400, "bad_json");
        }
        let broken = Request::post("/orders").body(Body::from(&b"{\"customer_id\":\"\xff\"}"[..])).unwrap();
        client.send(broken).await.problem(400, "bad_json");
    }

    async fn json_is_taken_whatever_the_content_type_says(client) {
        for (order, content_type) in [("o1", "text/plain"), ("o2", "application/x-www-form-urlencoded"), ("o3", "application/json")] {
            let placed = client.post_with("/orders", &[("Content-Type", content_type)], &order_of(order, "ada")).await;
            assert_eq!(placed.status, 201);
        }
        assert_eq!(client.post("/orders/o1/confirm", &json!({ "anything": ["goes"] })).await.status, 200);
    }

    async fn a_body_over_1_mib_is_refused(client) {
        let largest = 1024 * 1024;
        let pad = |length: usize| {
            let empty = order_of("o1", "ada").to_string();
            format!("{}{empty}", " ".repeat(length - empty.len()))
        };
        client.call(Method::POST, "/orders", &[], &pad(largest + 1)).await.problem(413, "body_too_large");
        client.call(Method::POST, "/orders/o1/confirm", &[], &pad(2 * largest)).await.problem(413, "body_too_large");
        assert_eq!(client.call(Method::POST, "/orders", &[], &pad(largest)).await.status, 201);
    }

    async fn a_path_with_no_id_in_it_is_refused(client) {
        let too_long = format!("/orders/{}", "x".repeat(129));
        for path in ["/orders/a%20b", "/orders/%2F", "/orders/%ff", "/orders/%C3%A4/history", "/customers/a,b", "/customers/a~b/orders", &too_long] {
            client.get(path).await.problem(400, "bad_id");
        }
        for path in ["/orders/a%20b/confirm", "/orders/a%20b/cancel"] {
            client.post(path, &json!({ "reason": "x" })).await.problem(400, "bad_id");
        }
    }

    async fn a_bad_condition_is_refused(client) {
        client.place("o1", "ada").await;
        for value in ["1", "\"\"", "\"one\"", "W/\"1\"", "\"1\", \"2\"", "\"-1\"", "\"99999999999999999999\""] {
            client.post_with("/orders/o1/confirm", &[("If-Match", value)], &json!({})).await.problem(400, "bad_if_match");
        }
        client.post_with("/orders", &[("If-Match", "*")], &order_of("o2", "ada")).await.problem(400, "bad_if_match");
        let too_long = "k".repeat(256);
        for value in ["", "a b", "ä", &too_long] {
            let problem = client.post_with("/orders/o1/confirm", &[("Idempotency-Key", value)], &json!({})).await;
            problem.problem(400, "bad_idempotency_key");
        }
        let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
        client.post_with("/orders/o1/confirm", &twice, &json!({})).await.problem(400, "bad_idempotency_key");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let client = Client::in_memory().await;
    client.get("/nowhere").await.problem(404, "not_found");
    client.get("/orders/").await.problem(404, "not_found");
    for (method, path, allowed) in [
        (Method::PUT, "/orders", "POST"),
        (Method::GET, "/orders", "POST"),
        (Method::DELETE, "/orders/o1", "GET,HEAD"),
        (Method::GET, "/orders/o1/confirm", "POST"),
    ] {
        let reply = client.call(method, path, &[], "").await;
        reply.problem(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), allowed);
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let client = Client::in_memory().await;
    let placed = client.place("o1", "ada").await;
    client.get_after("/orders/o1", &placed).await;
    let head = client.call(Method::HEAD, "/orders/o1", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("consistency-position"), "1");
}
