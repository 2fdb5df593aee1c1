//! One key, one command, one answer.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use crate::{
    http::Answer,
    orders::{Placed, confirm, order_of, place},
    place::Place,
    service::Service,
    stores::Stores,
};

/// The whole answer but for its date.
pub(crate) fn bytes(answer: &Answer) -> (u16, Vec<u8>, Vec<String>) {
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let headers = ["content-type", "location", "consistency-token"].into_iter().filter_map(header);
    (answer.status, answer.body.clone(), headers.collect())
}

fn events(service: &Service, order: &str) -> usize {
    let history = service.client().get(&format!("/orders/{order}/history")).expect(200).json();
    history["events"].as_array().expect("a list").len()
}

on_each_store! {
    the_same_key_with_the_same_request_is_answered_alike_and_done_once,
    a_rejection_is_repeated_too_whatever_has_happened_since,
    the_same_key_with_another_request_is_refused,
    a_request_that_was_not_valid_does_not_use_up_its_key,
    of_requests_that_race_on_one_key_one_is_done_and_all_are_answered_alike,
}

fn the_same_key_with_the_same_request_is_answered_alike_and_done_once(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let mut named = order_of("ada");
    named["order_id"] = "mine".into();
    for (key, order) in [("k-1", order_of("ada")), ("k-2", named)] {
        let first = client.post("/orders").key(key).json(&order).expect(201);
        let id = Placed::of(first.clone()).id;
        for _ in 0..3 {
            place(&client, "someone-else");
            let again = client.post("/orders").key(key).json(&order).send();
            assert_eq!(bytes(&again), bytes(&first), "{first}\nand then\n{again}");
        }
        let path = format!("/orders/{id}/confirm");
        let first = client.post(&path).key(&format!("{key}-confirm")).expect(200);
        let again = client.post(&path).key(&format!("{key}-confirm")).expect(200);
        assert_eq!(bytes(&again), bytes(&first));
        let (path, reason) = (format!("/orders/{id}/cancel"), json!({ "reason": "no" }));
        let first = client.post(&path).key(&format!("{key}-cancel")).json(&reason).expect(200);
        let again = client.post(&path).key(&format!("{key}-cancel")).json(&reason).expect(200);
        assert_eq!(bytes(&again), bytes(&first));
        assert_eq!(events(&service, &id), 3);
    }
}

fn a_rejection_is_repeated_too_whatever_has_happened_since(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let mut later = order_of("ada");
    later["order_id"] = "later".into();

    let missing = client.post("/orders/later/confirm").key("early").send();
    assert_eq!(missing.problem()["code"], "order_not_found");
    client.post("/orders").json(&later).expect(201);
    let again = client.post("/orders/later/confirm").key("early").send();
    assert_eq!(bytes(&again), bytes(&missing), "{again}");

    confirm(&client, "later");
    let rejected = client.post("/orders/later/confirm").key("second").send();
    assert_eq!(rejected.problem()["code"], "order_already_confirmed");
    client.post("/orders/later/cancel").json(&json!({ "reason": "no" })).expect(200);
    let again = client.post("/orders/later/confirm").key("second").send();
    assert_eq!(bytes(&again), bytes(&rejected), "{again}");

    let mismatch = || client.post("/orders/later/confirm").key("on-7").header("if-match", "\"7\"").send();
    let first = mismatch();
    assert_eq!(first.problem()["code"], "version_mismatch");
    assert_eq!(bytes(&mismatch()), bytes(&first));

    let taken = || client.post("/orders").key("taken").json(&later).send();
    let first = taken();
    assert_eq!(first.problem()["code"], "order_already_placed");
    assert_eq!(bytes(&taken()), bytes(&first));
    assert_eq!(events(&service, "later"), 3);
}

fn the_same_key_with_another_request_is_refused(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let (one, two) = (place(&client, "ada"), place(&client, "ada"));
    let reason = |text: &str| json!({ "reason": text });
    let confirm = |order: &Placed| format!("{}/confirm", order.path());
    let cancel = |order: &Placed| format!("{}/cancel", order.path());

    let placed = Placed::of(client.post("/orders").key("place").json(&order_of("ada")).send());
    let reused =
        |body: Value| client.post("/orders").key("place").json(&body).problem(422, "idempotency_key_reused");
    reused(order_of("eve"));
    let mut other = order_of("ada");
    other["lines"][0]["quantity"] = 3.into();
    reused(other);
    let mut other = order_of("ada");
    other["order_id"] = "another".into();
    reused(other);
    client.post(&confirm(&one)).key("place").problem(422, "idempotency_key_reused");

    client.post(&confirm(&one)).key("confirm").expect(200);
    client.post(&confirm(&two)).key("confirm").problem(422, "idempotency_key_reused");
    client.post(&cancel(&one)).key("confirm").json(&reason("no")).problem(422, "idempotency_key_reused");
    client.post("/orders").key("confirm").json(&order_of("ada")).problem(422, "idempotency_key_reused");

    client.post(&cancel(&one)).key("cancel").json(&reason("no")).expect(200);
    client.post(&cancel(&one)).key("cancel").json(&reason("yes")).problem(422, "idempotency_key_reused");
    client.post(&cancel(&two)).key("cancel").json(&reason("no")).problem(422, "idempotency_key_reused");

    assert_eq!(
        [events(&service, &placed.id), events(&service, &one.id), events(&service, &two.id)],
        [1, 3, 1]
    );
    client.get("/orders/another/history").problem(404, "order_not_found");
}

fn a_request_that_was_not_valid_does_not_use_up_its_key(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    client.post("/orders").key("k").body("{").problem(400, "bad_json");
    client.post("/orders").key("k").json(&json!({ "customer_id": "ada" })).problem(422, "invalid_order");
    client.post("/orders").key("k").json(&order_of("ada")).expect(201);
}

fn of_requests_that_race_on_one_key_one_is_done_and_all_are_answered_alike(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    for round in 0..20 {
        let key = format!("race-{round}");
        let start = Barrier::new(16);
        let answers: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        let client = service.client();
                        let request = client.post("/orders").key(&key).json(&order_of(&key));
                        start.wait();
                        request.send()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let placed = Placed::of(answers[0].clone());
        for answer in &answers {
            assert_eq!(bytes(answer), bytes(&answers[0]), "{answer}\nand\n{}", answers[0]);
        }
        assert_eq!(placed.position, round + 1, "one event for each round");
        assert_eq!(events(&service, &placed.id), 1);
        let client = service.client();
        let customer = client.get(&format!("/customers/{key}")).at_least(&placed.token).expect(200);
        assert_eq!(customer.json()["orders"], 1, "{customer}");
    }
}
