//! Health and the description.

use serde_json::{Value, json};

use crate::{
    deadline::eventually,
    orders::{confirm, place},
    place::Place,
    stores::Stores,
};

on_each_store! {
    health_tells_how_each_store_and_each_projection_is,
    the_description_lists_each_route,
}

fn health_tells_how_each_store_and_each_projection_is(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    client.get("/health/live").expect(200).json();
    let order = place(&client, "ada");
    let token = confirm(&client, &order.id);
    client.get(&order.path()).at_least(&token).expect(200);
    client.get("/customers/ada").at_least(&token).expect(200);

    let health = eventually("both projections say that they are at the head", || {
        let answer = client.get("/health/ready").send();
        if answer.status == 503 {
            // It has just started.
            answer.problem();
            return None;
        }
        let health = answer.json();
        health["projections"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["applied"] == 2 && it["state"] == "live")
            .then_some(health)
    });
    assert_eq!((&health["ready"], &health["role"]), (&json!(true), &json!("all")));
    assert_eq!(
        (&health["write_store"]["state"], &health["write_store"]["head"]),
        (&json!("up"), &json!(2)),
        "{health}"
    );
    assert_eq!(health["read_store"]["state"], "up", "{health}");
    assert_eq!(names(&health), ["customer_summary", "order_summary"]);
    for projection in health["projections"].as_array().unwrap() {
        assert_eq!(
            (&projection["head"], &projection["lag_events"], &projection["parked"]),
            (&json!(2), &json!(0), &json!(0)),
            "{health}"
        );
        assert!(projection["lag"].as_str().is_some_and(|lag| lag.ends_with("ms")), "{health}");
    }
}

fn the_description_lists_each_route(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let description = service.client().get("/openapi.json").expect(200).json();
    assert!(
        description["openapi"].as_str().is_some_and(|version| version.starts_with("3.")),
        "{description}"
    );
    assert!(description["info"]["title"].is_string() && description["info"]["version"].is_string());
    let paths = description["paths"].as_object().expect("paths");
    for (path, method, status) in [
        ("/orders", "post", "201"),
        ("/orders/{id}/confirm", "post", "200"),
        ("/orders/{id}/cancel", "post", "200"),
        ("/orders/{id}", "get", "200"),
        ("/orders/{id}/history", "get", "200"),
        ("/customers/{id}", "get", "200"),
        ("/customers/{id}/orders", "get", "200"),
        ("/health/live", "get", "200"),
        ("/health/ready", "get", "503"),
        ("/openapi.json", "get", "200"),
    ] {
        assert!(paths[path][method]["responses"][status].is_object(), "{method} {path} {status}");
    }
    let text = description.to_string();
    for code in [
        "order_not_found",
        "order_already_placed",
        "order_already_confirmed",
        "order_already_cancelled",
        "invalid_order",
        "bad_id",
        "idempotency_key_reused",
        "version_mismatch",
        "write_store_unavailable",
        "not_yet_consistent",
        "bad_token",
        "foreign_token",
    ] {
        assert!(text.contains(code), "the description names {code}");
    }
    references(&description, &description);
}

pub(crate) fn names(health: &Value) -> Vec<String> {
    let projections = health["projections"].as_array().expect("a list").iter();
    let mut names: Vec<_> = projections.map(|it| it["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// Each reference leads somewhere.
fn references(document: &Value, part: &Value) {
    if let Some(reference) = part["$ref"].as_str() {
        let path = reference.strip_prefix('#').expect("the document stands alone");
        assert!(document.pointer(path).is_some(), "{reference} leads nowhere");
    }
    for part in
        part.as_object().into_iter().flat_map(|it| it.values()).chain(part.as_array().into_iter().flatten())
    {
        references(document, part);
    }
}
