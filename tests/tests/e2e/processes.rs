//! Several processes on the same stores, at once and one after the other.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use crate::{
    deadline::eventually,
    idempotency::bytes,
    model,
    operations::names,
    orders::{Placed, order_of, place},
    place::Place,
    service::Service,
    stores::Stores,
};

on_shared_stores! {
    a_key_outlives_the_process_and_holds_in_every_process,
    requests_that_race_on_one_key_in_two_processes_are_done_once,
    a_page_goes_on_in_another_process,
    health_of_each_role_tells_of_what_it_needs,
    roles_without_commands_do_not_take_them,
    several_processes_may_start_on_new_stores_at_once,
    views_are_complete_after_a_stop_and_a_start,
}

fn a_key_outlives_the_process_and_holds_in_every_process(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let first = service.client().post("/orders").key("k").json(&order_of("ada")).expect(201);
    let id = Placed::of(first.clone()).id;
    let path = format!("/orders/{id}/confirm");
    service.client().post(&path).expect(200);
    let rejected = service.client().post(&path).key("again").send();
    assert_eq!(rejected.status, 409, "{rejected}");
    service.kill();

    for role in ["all", "command"] {
        let service = files.start(role);
        let again = service.client().post("/orders").key("k").json(&order_of("ada")).send();
        assert_eq!(bytes(&again), bytes(&first), "{again}");
        let again = service.client().post(&path).key("again").send();
        assert_eq!(bytes(&again), bytes(&rejected), "{again}");
        service
            .client()
            .post("/orders")
            .key("k")
            .json(&order_of("eve"))
            .problem(422, "idempotency_key_reused");
    }
    assert_eq!(files.events().len(), 2);
}

fn requests_that_race_on_one_key_in_two_processes_are_done_once(stores: Stores) {
    let files = Place::new(stores);
    let services = [files.start("command"), files.start("command")];
    for round in 0..20 {
        let key = format!("race-{round}");
        let start = Barrier::new(8);
        let answers: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|racer| {
                    let (service, key, start) = (&services[racer % 2], &key, &start);
                    scope.spawn(move || {
                        let client = service.client();
                        let request = client.post("/orders").key(key).json(&order_of(key));
                        start.wait();
                        request.send()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        for answer in &answers {
            assert_eq!(answer.status, 201, "{answer}");
            assert_eq!(bytes(answer), bytes(&answers[0]), "{answer}\nand\n{}", answers[0]);
        }
    }
    assert_eq!(files.events().len(), 20);
}

fn a_page_goes_on_in_another_process(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let orders: Vec<_> = (0..30).map(|_| place(&client, "ada")).collect();
    let page = client.get("/customers/ada/orders?limit=10").at_least(&orders[29].token).expect(200).json();
    let next = model::encode(page["next"].as_str().expect("there is a next page"));
    service.kill();
    let query = files.start("query");
    let page = query.client().get(&format!("/customers/ada/orders?limit=10&after={next}")).expect(200).json();
    let ids: Vec<_> =
        page["orders"].as_array().unwrap().iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    let expected: Vec<_> = orders[10..20].iter().rev().map(|order| order.id.as_str()).collect();
    assert_eq!(ids, expected);
    assert_eq!(order_of("ada")["lines"], page["orders"][0]["lines"]);
}

fn health_of_each_role_tells_of_what_it_needs(stores: Stores) {
    let files = Place::new(stores);
    let command = files.start("command");
    place(&command.client(), "ada");
    let health = command.client().get("/health/ready").expect(200).json();
    assert_eq!(
        (&health["role"], &health["write_store"]["head"], &health["read_store"]),
        (&json!("command"), &json!(1), &Value::Null)
    );

    // Nobody has built a view yet.
    let query = files.start("query");
    let problem = query.client().get("/health/ready").problem(503, "not_ready");
    assert_eq!(names(&problem), ["customer_summary", "order_summary"]);
    assert_eq!(problem["write_store"], Value::Null);
    assert!(problem["detail"].as_str().unwrap().contains("order_summary"), "{problem}");

    let projector = files.start("projector");
    for service in [&projector, &query] {
        let health = eventually("it is well", || {
            Some(service.client().get("/health/ready").send()).filter(|it| it.status == 200)
        });
        assert_eq!(names(&health.json()), ["customer_summary", "order_summary"]);
    }
    projector.kill();
    // Whoever is gone promises nothing any more, and the reader of its views says so.
    let problem = eventually("the silence is noticed", || {
        Some(query.client().get("/health/ready").send()).filter(|it| it.status == 503)
    });
    assert!(problem.problem()["detail"].as_str().unwrap().contains("behind"), "{problem}");
}

fn roles_without_commands_do_not_take_them(stores: Stores) {
    let files = Place::new(stores);
    for role in ["projector", "query"] {
        let service = files.start(role);
        service.client().post("/orders").json(&order_of("ada")).problem(404, "not_in_this_role");
        service.client().get("/orders/x/history").problem(404, "not_in_this_role");
    }
    let command = files.start("command");
    let order = place(&command.client(), "ada");
    command.client().get(&order.path()).problem(404, "not_in_this_role");
    command.client().get("/customers/ada").problem(404, "not_in_this_role");
    assert_eq!(
        command.client().get(&format!("{}/history", order.path())).expect(200).json()["events"][0]["version"],
        1
    );
}

fn several_processes_may_start_on_new_stores_at_once(stores: Stores) {
    for _ in 0..5 {
        let files = Place::new(stores);
        let services = ["all", "command", "projector", "query", "all"].map(|role| files.launch(role));
        let services = services.map(Service::listening);
        let placed = place(&services[0].client(), "ada");
        let order = services[3].client().get(&placed.path()).at_least(&placed.token).expect(200);
        assert_eq!(order.json()["order_id"], placed.id, "{order}");
        assert_eq!(place(&services[1].client(), "ada").position, 2);
    }
}

fn views_are_complete_after_a_stop_and_a_start(stores: Stores) {
    let files = Place::new(stores);
    let mut orders = 0;
    for _ in 0..5 {
        let service = files.start("all");
        let client = service.client();
        let placed: Vec<_> = (0..20).map(|_| place(&client, "ada")).collect();
        let last = &placed[19];
        orders += 20;
        assert_eq!(last.position, orders);
        assert_eq!(service.terminate().status.code(), Some(0));
        let service = files.start("all");
        let summary = service.client().get("/customers/ada").at_least(&last.token).expect(200);
        assert_eq!(summary.json()["orders"], orders, "{summary}");
        assert_eq!(service.terminate().status.code(), Some(0));
    }
}
