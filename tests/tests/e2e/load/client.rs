//! One client.

use std::{thread, time::Duration};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{
    clients::Clients,
    told::{Sent, Told},
};
use crate::{
    http::{Answer, Client},
    orders::line,
};

/// What the names of the clients' customers begin with.
pub(super) const CUSTOMER: &str = "customer-";

/// The longest that a client thinks before it places an order. Those who never think would take all of the processor from
/// the services and the databases that they test.
const THOUGHT: Duration = Duration::from_millis(40);

/// Places orders, some of which it confirms and cancels, and sends each command until it is answered.
pub(super) struct Orders<'a> {
    clients: &'a Clients,
    client: Client,
    rng: Rng,
    pub(super) told: Vec<Told>,
}

impl<'a> Orders<'a> {
    pub(super) fn new(clients: &'a Clients, rng: Rng) -> Self {
        Self { clients, client: Client::new(""), rng, told: Vec::new() }
    }

    pub(super) fn order(&mut self, number: usize) {
        thread::sleep(THOUGHT.mul_f64(self.rng.f64()));
        let customer = format!("{CUSTOMER}{}", number % 40);
        // The article tells the order, however its id came about.
        let first = line(&format!("sku-{number}"), self.rng.i64(1..9), self.rng.i64(1..10_000));
        let lines = if self.rng.bool() {
            json!([first, line("extra", 1, self.rng.i64(0..500))])
        } else {
            json!([first])
        };
        let mut body = json!({ "customer_id": customer, "lines": lines });
        if number.is_multiple_of(2) {
            body["order_id"] = format!("order-{number}").into();
        }
        let sent = Sent {
            key: format!("place-{number}"),
            path: "/orders".into(),
            body: body.to_string(),
            version: None,
        };
        let may_give_up = number.is_multiple_of(7);
        let data = json!({ "customer_id": customer, "lines": lines });
        let Some(answer) = self.send(sent, "order_placed", data, may_give_up) else { return };
        assert_eq!(answer.status, 201, "{answer}");
        self.clients.acknowledge();

        let id = answer.json()["order_id"].as_str().expect("an id").to_owned();
        if matches!(number % 4, 1 | 2) {
            let sent = Sent {
                key: format!("confirm-{number}"),
                path: format!("/orders/{id}/confirm"),
                body: String::new(),
                version: Some(1),
            };
            let answer = self.send(sent, "order_confirmed", json!({}), false).expect("does not give up");
            assert_eq!(answer.status, 200, "{answer}");
        }
        if matches!(number % 4, 2 | 3) {
            let sent = Sent {
                key: format!("cancel-{number}"),
                path: format!("/orders/{id}/cancel"),
                body: json!({ "reason": format!("number {number}") }).to_string(),
                version: None,
            };
            let data = json!({ "reason": format!("number {number}") });
            let answer = self.send(sent, "order_cancelled", data, false).expect("does not give up");
            assert_eq!(answer.status, 200, "{answer}");
        }
    }

    /// Sends a command until it is answered, or gives up when its outcome is unknown, if it may.
    fn send(&mut self, sent: Sent, event: &'static str, data: Value, may_give_up: bool) -> Option<Answer> {
        let answer = loop {
            match sent.try_send(&self.client.at(&self.clients.url())) {
                Some(answer) if answer.status == 503 => {
                    assert_eq!(answer.problem()["code"], "write_store_unavailable", "{answer}");
                    assert!(answer.number("retry-after") > 0, "{answer}");
                    self.clients.refuse();
                    // Less polite than the answer asks for.
                    thread::sleep(Duration::from_millis(self.rng.u64(5..50)));
                }
                Some(answer) => break Some(answer),
                None => {}
            }
            if may_give_up {
                break None;
            }
        };
        self.told.push(Told { sent, answer: answer.clone(), event, data });
        answer
    }
}
