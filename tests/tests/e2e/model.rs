//! What the views have to be, computed from the log by other code than the service's.

use std::collections::BTreeMap;

use cqrs_core::envelope::RecordedEvent;
use serde_json::{Value, json};

use crate::{
    http::Client,
    log,
    many::{in_parallel, sample},
};

/// The views, as the queries answer.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// By id.
    pub(crate) orders: BTreeMap<String, Value>,
    /// The ids of each customer's orders, oldest first.
    pub(crate) orders_of: BTreeMap<String, Vec<String>>,
}

impl Model {
    /// Folds a log.
    pub(crate) fn of(events: &[RecordedEvent]) -> Self {
        let mut model = Self::default();
        for event in events {
            assert_eq!(event.stream.category(), "order");
            let (id, data) = (event.stream.id().to_owned(), log::data(event));
            // To the millisecond, the finest that every read store holds.
            let time = json!(format!("{:.3}", event.metadata.time));
            let status = match event.name.as_ref() {
                "order_placed" => {
                    let customer = data["customer_id"].as_str().expect("a customer").to_owned();
                    model.orders_of.entry(customer).or_default().push(id.clone());
                    let order = json!({
                        "order_id": id,
                        "customer_id": data["customer_id"],
                        "status": "placed",
                        "lines": data["lines"],
                        "total_cents": total(&data["lines"]),
                        "placed_at": time,
                        "updated_at": time,
                    });
                    assert!(model.orders.insert(id, order).is_none(), "an order is placed once: {event:?}");
                    continue;
                }
                "order_confirmed" => "confirmed",
                "order_cancelled" => "cancelled",
                name => panic!("the demo has no event {name:?}"),
            };
            let order = model.orders.get_mut(&id).expect("an order is placed before all else");
            order["status"] = status.into();
            order["updated_at"] = time;
        }
        model
    }

    /// What a customer's orders come to.
    pub(crate) fn customer(&self, id: &str) -> Value {
        let orders: Vec<_> =
            self.orders_of.get(id).into_iter().flatten().map(|order| &self.orders[order]).collect();
        let count = |status: &str| orders.iter().filter(|order| order["status"] == status).count();
        let total: i64 = orders
            .iter()
            .filter(|order| order["status"] != "cancelled")
            .map(|order| order["total_cents"].as_i64().expect("cents"))
            .sum();
        json!({
            "customer_id": id,
            "orders": orders.len(),
            "confirmed": count("confirmed"),
            "cancelled": count("cancelled"),
            "total_cents": total,
        })
    }

    /// Checks each customer's summary and list, and with it each order, in answers that are at least that fresh; of many orders
    /// some are asked for alone, too.
    #[track_caller]
    pub(crate) fn check(&self, client: &Client, token: &str) {
        let customers: Vec<_> = self.orders_of.iter().collect();
        in_parallel(&customers, |(id, orders)| {
            let answer = client.get(&format!("/customers/{id}")).at_least(token).expect(200);
            assert_eq!(answer.json(), self.customer(id), "{answer}");
            let listed = pages(client, id, "limit=200", Some(token));
            assert_eq!(listed.len(), orders.len(), "the orders of {id}");
            for (listed, order) in listed.iter().zip(orders.iter().rev()) {
                assert_eq!(*listed, self.orders[order], "in the orders of {id}, newest first");
            }
        });
        let alone: Vec<_> = sample(self.orders.iter().collect());
        in_parallel(&alone, |(id, order)| {
            let answer = client.get(&format!("/orders/{id}")).at_least(token).expect(200);
            assert_eq!(answer.json(), **order, "{answer}");
        });
    }
}

fn total(lines: &Value) -> i64 {
    let number = |line: &Value, field: &str| line[field].as_i64().expect("a number");
    let lines = lines.as_array().expect("lines");
    lines.iter().map(|line| number(line, "quantity") * number(line, "unit_price_cents")).sum()
}

/// A customer's orders, page by page.
#[track_caller]
pub(crate) fn pages(client: &Client, customer: &str, query: &str, token: Option<&str>) -> Vec<Value> {
    let (mut orders, mut after) = (Vec::new(), String::new());
    loop {
        let request = client.get(&format!("/customers/{customer}/orders?{query}{after}"));
        let page = match token {
            Some(token) => request.at_least(token),
            None => request,
        };
        let page = page.expect(200).json();
        orders.extend(page["orders"].as_array().expect("a list").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", encode(next)),
            None if page["next"].is_null() => return orders,
            None => panic!("`next` is text or null: {page}"),
        }
    }
}

/// Text as a part of a URL.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
