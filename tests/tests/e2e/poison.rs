//! An event that nothing can read.

use serde_json::{Value, json};

use crate::{
    deadline::eventually,
    file::{self, Foreign},
    http::Client,
    orders::{confirm, place},
    place::Place,
    stores::Stores,
};

/// Waits until health says that something is put aside.
fn unwell(client: &Client) -> Value {
    eventually("health says that an event is put aside", || {
        let answer = client.get("/health/ready").send();
        (answer.status == 503).then(|| answer.problem()).filter(|problem| {
            let projections = problem["projections"].as_array().expect("a list");
            projections.len() == 2 && projections.iter().all(|projection| projection["parked"] == 1)
        })
    })
}

#[test]
fn an_event_that_cannot_be_read_holds_up_its_own_order_alone() {
    for poison in [
        Foreign {
            order: "broken",
            version: 2,
            name: "order_confirmed",
            data: r#"{"nonsense":[1,2]}"#.into(),
        },
        Foreign { order: "broken", version: 2, name: "order_forgotten", data: "{}".into() },
        Foreign { order: "broken", version: 2, name: "order_confirmed", data: "\"text\"".into() },
        Foreign { order: "broken", version: 2, name: "order_confirmed", data: "no JSON".into() },
    ] {
        let files = Place::new(Stores::Sqlite);
        let service = files.start("all");
        let client = service.client();
        let broken = json!({ "order_id": "broken", "customer_id": "eve", "lines": [crate::orders::line("tea", 1, 100)] });
        client.post("/orders").json(&broken).expect(201);
        let other = place(&client, "ada");
        eventually("all is well", || (client.get("/health/ready").send().status == 200).then_some(()));

        let what = format!("{poison:?}");
        let position = file::insert(&files.write_file(), &poison);
        let token = confirm(&client, &other.id);
        let later = place(&client, "ada");

        let order = client.get(&other.path()).at_least(&token).expect(200);
        assert_eq!(order.json()["status"], "confirmed", "{what}: {order}");
        let later = client.get(&later.path()).at_least(&later.token).expect(200);
        assert!(later.number("consistency-position") > position, "{what}: {later}");
        let summary = client.get("/customers/ada").at_least(later.token()).expect(200);
        assert_eq!(summary.json()["orders"], 2, "{what}: {summary}");
        let broken = client.get("/orders/broken").at_least(later.token()).expect(200);
        assert_eq!(broken.json()["status"], "placed", "{what}: it stays as it was: {broken}");

        // The write side can't decide on what it can't read, and says so; it does not take the order for placed.
        let refused = client.post("/orders/broken/cancel").json(&json!({ "reason": "poisoned" })).send();
        assert_eq!(refused.status, 500, "{what}: {refused}");
        refused.problem();

        let problem = unwell(&client);
        assert_eq!(problem["ready"], false, "{what}: {problem}");
        let detail = problem["detail"].as_str().expect("text");
        for projection in ["order_summary", "customer_summary"] {
            assert!(detail.contains(projection), "{what}: {problem}");
        }
        client.get("/health/live").expect(200);

        // It stays so, and so do the views, when the service comes back.
        service.kill();
        let service = files.start("all");
        unwell(&service.client());
        let after = place(&service.client(), "eve");
        service.client().get(&after.path()).at_least(&after.token).expect(200);
    }
}
