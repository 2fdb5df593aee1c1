use cqrs_core::prelude::*;

#[derive(Id)]
struct OrderId(Uuid);

#[derive(Serialize, Deserialize)]
struct OrderPlaced {}

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    Placed(OrderPlaced),
}

#[derive(Default, Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), default)]
#[serde(rename_all = "camelCase")]
struct OrderSummary {
    #[projection(index)]
    customer_id: String,
    #[projection(index(accessor = by_total))]
    #[serde(rename = "sum")]
    total_cents: u64,
    #[projection(index)]
    #[serde(rename(serialize = "paid", deserialize = "isPaid"), default)]
    paid_at: Option<DateTime>,
    #[projection(index)]
    r#type: u8,
}

#[handlers(ignore(OrderPlaced))]
impl OrderSummary {}

#[test]
fn an_index_is_named_as_its_field_is_in_the_stored_document() {
    let names: Vec<_> = OrderSummary::INDEXES.iter().map(|index| index.name).collect();
    assert_eq!(names, ["customerId", "sum", "paid", "type"]);
    let document = serde_json::to_value(OrderSummary::default()).unwrap();
    for name in names {
        assert!(document.get(name).is_some(), "{name} is not in {document}");
    }
    assert_eq!(OrderSummary::customer_id().name, "customerId");
    assert_eq!(OrderSummary::by_total().name, "sum");
    assert_eq!((OrderSummary::paid_at().name, OrderSummary::r#type().name), ("paid", "type"));
}
