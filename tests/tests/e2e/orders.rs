//! Requests about orders, as most tests send them.

use serde_json::{Value, json};

use crate::http::{Answer, Client};

/// An order of one line, 2 × 350 cents.
pub(crate) fn order_of(customer: &str) -> Value {
    json!({ "customer_id": customer, "lines": [line("tea", 2, 350)] })
}

pub(crate) fn line(sku: &str, quantity: i64, unit_price_cents: i64) -> Value {
    json!({ "sku": sku, "quantity": quantity, "unit_price_cents": unit_price_cents })
}

/// An order that was placed.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) id: String,
    pub(crate) position: u64,
    pub(crate) token: String,
    pub(crate) answer: Answer,
}

impl Placed {
    #[track_caller]
    pub(crate) fn of(answer: Answer) -> Self {
        assert_eq!(answer.status, 201, "{answer}");
        let body = answer.json();
        Self {
            id: body["order_id"].as_str().expect("an id").to_owned(),
            position: body["position"].as_u64().expect("a position"),
            token: body["token"].as_str().expect("a token").to_owned(),
            answer,
        }
    }

    pub(crate) fn path(&self) -> String {
        format!("/orders/{}", self.id)
    }
}

/// Places an order.
#[track_caller]
pub(crate) fn place(client: &Client, customer: &str) -> Placed {
    Placed::of(client.post("/orders").json(&order_of(customer)).send())
}

/// Confirms an order, and returns the token.
#[track_caller]
pub(crate) fn confirm(client: &Client, order: &str) -> String {
    client.post(&format!("/orders/{order}/confirm")).expect(200).token().to_owned()
}

/// Cancels an order, and returns the token.
#[track_caller]
pub(crate) fn cancel(client: &Client, order: &str) -> String {
    let request =
        client.post(&format!("/orders/{order}/cancel")).json(&json!({ "reason": "changed my mind" }));
    request.expect(200).token().to_owned()
}
