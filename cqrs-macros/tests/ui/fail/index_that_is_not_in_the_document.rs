//! Read stores look an index up in the stored document.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

mod cents {
    pub fn serialize<S: serde::Serializer>(cents: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(cents / 100)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
struct OrderSummary {
    #[projection(index)]
    #[serde(with = "cents")]
    total: u64,
    #[projection(index)]
    #[serde(serialize_with = "cents::serialize")]
    paid: u64,
    #[projection(index)]
    #[serde(skip)]
    hidden: bool,
    #[projection(index)]
    #[serde(default, skip_serializing)]
    read_only: bool,
    #[projection(index)]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    remark: String,
    #[projection(index)]
    #[serde(flatten)]
    rest: Option<String>,
    #[projection(index)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[serde(skip)]
    cache: String,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderSummary {}

#[derive(Projection, Default, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
#[serde(transparent)]
struct OrderNumber {
    #[projection(index)]
    number: u64,
}

#[handlers(ignore(OrderPlaced, OrderConfirmed))]
impl OrderNumber {}

fn main() {
    let _ = (OrderSummary::total(), OrderNumber::number());
}
