//! Commands, as the contract has them, on each store.

use serde_json::{Value, json};

use crate::{
    http::Client,
    orders::{Placed, cancel, confirm, line, order_of, place},
    place::Place,
    stores::Stores,
    wire::Wire,
};

on_each_store! {
    an_order_is_placed_confirmed_and_cancelled,
    the_caller_may_choose_the_id_of_an_order,
    an_order_without_an_id_gets_one_of_its_own,
    what_the_domain_rejects_is_a_conflict,
    an_unknown_order_is_not_found,
    a_command_runs_on_the_version_that_it_names_alone,
    of_commands_that_race_on_one_version_one_wins,
    commands_that_race_without_a_version_are_decided_one_after_the_other,
    history_tells_what_the_log_holds,
    the_largest_order_is_taken,
    an_id_in_a_path_may_be_percent_encoded,
}

fn an_order_is_placed_confirmed_and_cancelled(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();

    let placed = Placed::of(client.post("/orders").json(&order_of("ada")).send());
    assert_eq!(placed.answer.header("location"), placed.path());
    check_done(&placed.answer.json(), placed.answer.token(), 1, 1);
    assert_eq!(placed.answer.json().as_object().unwrap().len(), 4);

    for (version, (path, body)) in
        [("confirm", None), ("cancel", Some(r#"{"reason":"why not"}"#))].iter().enumerate()
    {
        let request = client.post(&format!("{}/{path}", placed.path()));
        let done = match body {
            Some(body) => request.body(*body),
            None => request,
        }
        .expect(200);
        check_done(&done.json(), done.token(), version as u64 + 2, version as u64 + 2);
        assert_eq!(done.json().as_object().unwrap().len(), 3, "{done}");
    }
}

fn the_caller_may_choose_the_id_of_an_order(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let longest = "x".repeat(128);
    for id in ["order-1", "A.b_c-9", "1", ".", "...", longest.as_str()] {
        let mut order = order_of("ada");
        order["order_id"] = id.into();
        let placed = Placed::of(client.post("/orders").json(&order).send());
        assert_eq!(
            (placed.id.as_str(), placed.answer.header("location")),
            (id, format!("/orders/{id}").as_str())
        );
        let problem = client.post("/orders").json(&order).problem(409, "order_already_placed");
        assert!(problem["detail"].as_str().unwrap().contains(id), "{problem}");
    }
}

fn an_order_without_an_id_gets_one_of_its_own(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let ids: std::collections::BTreeSet<_> = (0..50).map(|_| place(&service.client(), "ada").id).collect();
    assert_eq!(ids.len(), 50);
}

fn what_the_domain_rejects_is_a_conflict(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let reason = json!({ "reason": "no" });
    let path = |order: &Placed, command: &str| format!("{}/{command}", order.path());

    let order = place(&client, "ada");
    confirm(&client, &order.id);
    client.post(&path(&order, "confirm")).problem(409, "order_already_confirmed");
    cancel(&client, &order.id);
    client.post(&path(&order, "confirm")).problem(409, "order_already_cancelled");
    client.post(&path(&order, "cancel")).json(&reason).problem(409, "order_already_cancelled");

    let history = client.get(&path(&order, "history")).expect(200).json();
    assert_eq!(history["events"].as_array().unwrap().len(), 3, "a rejection adds nothing: {history}");
}

fn an_unknown_order_is_not_found(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    client.post("/orders/nobody/confirm").problem(404, "order_not_found");
    client.post("/orders/nobody/cancel").json(&json!({ "reason": "no" })).problem(404, "order_not_found");
    client.get("/orders/nobody/history").problem(404, "order_not_found");
    client.post("/orders/nobody/confirm").header("if-match", "\"1\"").problem(404, "order_not_found");
}

fn a_command_runs_on_the_version_that_it_names_alone(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    let confirm = format!("{}/confirm", order.path());
    let cancel = format!("{}/cancel", order.path());

    for version in [0_u64, 2, 99, u64::MAX] {
        let problem = client
            .post(&confirm)
            .header("if-match", format!("\"{version}\""))
            .problem(412, "version_mismatch");
        assert_eq!((&problem["expected"], &problem["actual"]), (&json!(version), &json!(1)), "{problem}");
    }
    client.post(&confirm).header("if-match", "\"1\"").expect(200);
    let problem = client.post(&cancel).json(&json!({ "reason": "no" })).header("if-match", "\"1\"");
    let problem = problem.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(1), &json!(2)), "{problem}");
    client.post(&cancel).json(&json!({ "reason": "no" })).header("if-match", "\"2\"").expect(200);
}

fn of_commands_that_race_on_one_version_one_wins(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    for _ in 0..10 {
        let order = place(&client, "ada");
        let path = format!("{}/confirm", order.path());
        let statuses = racing(&client, |client| client.post(&path).header("if-match", "\"1\"").send().status);
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
    }
}

fn commands_that_race_without_a_version_are_decided_one_after_the_other(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    for _ in 0..10 {
        let order = place(&client, "ada");
        let path = format!("{}/confirm", order.path());
        let statuses = racing(&client, |client| client.post(&path).send().status);
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    }
}

fn history_tells_what_the_log_holds(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    place(&client, "eve");
    confirm(&client, &order.id);
    cancel(&client, &order.id);

    let history = client.get(&format!("{}/history", order.path())).expect(200).json();
    let events = history["events"].as_array().expect("a list");
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["version"].clone(), event["position"].clone(), event["type"].clone()))
        .collect();
    let expected = [(1, 1, "order_placed"), (2, 3, "order_confirmed"), (3, 4, "order_cancelled")];
    assert_eq!(
        told,
        expected.map(|(version, position, name)| (json!(version), json!(position), json!(name)))
    );
    let mut ids = std::collections::BTreeSet::new();
    for event in events {
        assert_eq!(event.as_object().unwrap().len(), 9, "{event}");
        assert_eq!(event["schema_version"], 1, "{event}");
        let id = event["event_id"].as_str().expect("text");
        assert_eq!((id.len(), &id[14..15]), (36, "7"), "a UUIDv7: {event}");
        assert!(ids.insert(id), "{history}");
        assert_eq!(event["correlation_id"].as_str().map(str::len), Some(36), "{event}");
        assert!(event["causation_id"].is_string(), "{event}");
        let time = event["recorded_at"].as_str().expect("text");
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "RFC 3339 in UTC: {event}");
    }
    assert_eq!(events[0]["data"]["customer_id"], "ada");
    assert_eq!(events[0]["data"]["lines"], order_of("ada")["lines"]);
    assert_eq!(events[2]["data"]["reason"], "changed my mind");
    // Three requests.
    let correlations: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["correlation_id"].as_str()).collect();
    assert_eq!(correlations.len(), 3, "{history}");
}

fn the_largest_order_is_taken(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let largest = json!({ "customer_id": "c".repeat(128), "lines": [line(&"s".repeat(128), 1, i64::MAX)] });
    let placed = Placed::of(client.post("/orders").json(&largest).send());
    let order = client.get(&placed.path()).at_least(&placed.token).expect(200).json();
    assert_eq!(order["total_cents"], i64::MAX);
    assert_eq!(order["lines"], largest["lines"]);
    let free = json!({ "customer_id": "ada", "lines": [line("gift", i64::from(u32::MAX), 0)] });
    let placed = Placed::of(client.post("/orders").json(&free).send());
    let order = client.get(&placed.path()).at_least(&placed.token).expect(200).json();
    assert_eq!(order["total_cents"], 0);

    // A customer's sum goes beyond what one order may cost.
    let placed = Placed::of(client.post("/orders").json(&largest).send());
    let customer = client.get(&format!("/customers/{}", "c".repeat(128))).at_least(&placed.token).expect(200);
    assert!(
        String::from_utf8_lossy(&customer.body).contains("\"total_cents\":18446744073709551614"),
        "{customer}"
    );

    let mut body = order_of("ada").to_string().into_bytes();
    body.resize(1 << 20, b' ');
    client.post("/orders").body(body.clone()).expect(201);
    body.push(b' ');
    client.post("/orders").body(body).problem(413, "body_too_large");
    let many: Vec<_> = (0..10_000).map(|number| line(&format!("s-{number}"), 1, 1)).collect();
    let placed =
        Placed::of(client.post("/orders").json(&json!({ "customer_id": "ada", "lines": many })).send());
    assert_eq!(client.get(&placed.path()).at_least(&placed.token).expect(200).json()["lines"], json!(many));
}

fn an_id_in_a_path_may_be_percent_encoded(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let mut order = order_of("ada");
    order["order_id"] = "a.b".into();
    let placed = Placed::of(client.post("/orders").json(&order).send());
    for path in ["/orders/a.b", "/orders/%61.b", "/orders/%61%2E%62", "/orders/a%2eb"] {
        assert_eq!(client.get(path).at_least(&placed.token).expect(200).json()["order_id"], "a.b", "{path}");
    }
    client.post("/orders/%61%2E%62/confirm").expect(200);
    // A client of HTTP may resolve dots; the service takes the path as it comes.
    order["order_id"] = "..".into();
    let placed = Placed::of(client.post("/orders").json(&order).send());
    let headers = [("consistency-token", placed.token.as_str())];
    let answer = Wire::connect(&service).request("GET /orders/%2E%2E", &headers, b"");
    assert_eq!((answer.status, &answer.json()["order_id"]), (200, &json!("..")), "{answer}");
}

#[track_caller]
fn check_done(body: &Value, token: &str, version: u64, position: u64) {
    assert_eq!((&body["version"], &body["position"]), (&json!(version), &json!(position)), "{body}");
    assert_eq!(body["token"], token, "the header has the token of the body");
}

/// The same request 8 times at once.
fn racing<T: Send>(client: &Client, send: impl Fn(&Client) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    send(client)
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}
