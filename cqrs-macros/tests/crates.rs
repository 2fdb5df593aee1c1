//! Events, an aggregate and projections in three crates work together.
#![allow(missing_docs, clippy::unwrap_used)]

use cqrs_core::{
    domain::{Apply, Context, DecodeError, Event, Feeds, Fold, Handle, HandleError, One, Payload, State},
    envelope::{CommandId, Json, Metadata},
    prelude::{Aggregate, Command, Projection},
};
use fixture_events::{CustomerId, OrderEvent, OrderId, OrderPlaced, OrderShipped, PaymentTaken};
use fixture_orders::{Order, PlaceOrder, ShipOrder, ShipOrderError, Warehouse};
use fixture_views::{CustomerOrders, OpenOrder, OrderSummary};

fn metadata() -> Metadata {
    Metadata::of_command(CommandId::generate(), jiff::Timestamp::from_second(60).unwrap())
}

fn json(text: &str) -> Json {
    Json::from_text(text.to_owned()).unwrap()
}

#[tokio::test]
async fn commands_are_decided_on_the_state_that_events_have_made() {
    let (metadata, services) = (metadata(), Warehouse { last_parcel: 7 });
    let context = Context { metadata: &metadata, services: &services };
    let (order_id, customer_id) = (OrderId::generate(), CustomerId::generate());
    let place = PlaceOrder { order_id, customer_id: customer_id.clone() };
    let ship = ShipOrder { order_id };
    assert_eq!(place.aggregate_id(), &order_id);

    assert!(matches!(Order::handle(State::Absent, &ship, context).await, Err(HandleError::NotFound)));

    let placed = Order::handle(State::Absent, &place, context).await.unwrap();
    assert_eq!(placed, [OrderEvent::Placed(OrderPlaced { customer_id })]);
    let order = placed[0].fold(State::<Order>::Absent, &metadata).unwrap();
    let again = Order::handle(order.as_ref(), &place, context).await;
    assert!(matches!(again, Err(HandleError::AlreadyExists)));

    let shipped = Order::handle(order.as_ref(), &ship, context).await.unwrap();
    assert_eq!(shipped, [OrderEvent::Shipped(OrderShipped { parcels: vec![8, 9] })]);
    let order = shipped[0].fold(order, &metadata).unwrap();
    let rejected = Order::handle(order.as_ref(), &ship, context).await;
    assert!(matches!(rejected, Err(HandleError::Rejected(ShipOrderError::Shipped))));

    let snapshot = order.present().unwrap().to_snapshot().unwrap();
    assert_eq!(snapshot.as_str(), r#"{"shipped":true}"#);
    assert!(Order::from_snapshot(&snapshot).is_some());
    assert!(Order::from_snapshot(&json("{}")).is_none());
    assert_eq!(Order::SNAPSHOT_EVERY, Some(2));
}

#[test]
fn names_are_those_of_the_types_where_none_is_given() {
    assert_eq!(OrderPlaced::TYPE.name, "order_placed");
    assert_eq!((OrderShipped::TYPE.name, OrderShipped::TYPE.version.get()), ("order_sent", 2));
    assert_eq!(OrderShipped::TYPE.rust_type, "OrderShipped");
    assert_eq!((PlaceOrder::NAME, ShipOrder::NAME), ("place_order", "send_order"));
    assert_eq!((OrderSummary::NAME, OrderSummary::VERSION), ("order_summary", 3));
    assert_eq!((OpenOrder::NAME, OpenOrder::VERSION), ("open", 1));
    assert_eq!(OrderSummary::MAX_LAG, Some(std::time::Duration::from_secs(90)));
    assert_eq!(CustomerOrders::MAX_LAG, None);
}

#[test]
fn events_are_read_as_they_were_written_and_older_ones_are_upcast() {
    let event = OrderEvent::Shipped(OrderShipped { parcels: vec![1, 2] });
    let written = event.encode().unwrap();
    assert_eq!(written.as_str(), r#"{"parcels":[1,2]}"#);
    assert_eq!(OrderEvent::decode("order_sent", event.event_type().version, &written).unwrap(), event);
    let old = OrderEvent::decode("order_sent", OrderPlaced::TYPE.version, &json(r#"{"parcel":3}"#)).unwrap();
    assert_eq!(old, OrderEvent::Shipped(OrderShipped { parcels: vec![3] }));
    let unknown = OrderEvent::decode("order_shipped", OrderPlaced::TYPE.version, &json("{}")).unwrap_err();
    assert!(matches!(unknown, DecodeError::UnknownName { category: "order", .. }));
}

#[test]
fn documents_are_fed_by_the_events_of_several_streams() {
    let metadata = metadata();
    let (first, second, customer_id) = (OrderId::generate(), OrderId::generate(), CustomerId::generate());
    let feeds = Feeds::<OrderSummary>::of();
    let sets: Vec<_> = feeds.iter().map(|feed| (feed.category, feed.whole, feed.by_stream)).collect();
    assert_eq!(sets, [("order", true, true), ("payment", false, false)]);

    let placed = OrderEvent::from(OrderPlaced { customer_id: customer_id.clone() });
    let mut keys = Vec::new();
    Fold::<OrderSummary>::route(&placed, &first.to_string(), &mut keys).unwrap();
    assert_eq!(keys, [first]);
    let document = placed.fold(State::<OrderSummary>::Absent, &metadata).unwrap();

    let paid = PaymentTaken { order_ids: vec![second, first] };
    let read = feeds.of_event("payment", "payment_taken").unwrap();
    let read = read.decode("payment_taken", PaymentTaken::TYPE.version, &paid.encode().unwrap()).unwrap();
    let mut keys = Vec::new();
    read.route("7", &mut keys).unwrap();
    assert_eq!(keys, [second, first]);
    let document = read.fold(document, &metadata).unwrap();
    let shipped = OrderEvent::from(OrderShipped { parcels: vec![1, 2] });
    let document = shipped.fold(document, &metadata).unwrap().present().unwrap();
    assert_eq!(document, OrderSummary { customer_id: customer_id.clone(), parcels: 2, paid: true });

    let indexes: Vec<_> = OrderSummary::INDEXES.iter().map(|index| index.name).collect();
    assert_eq!(indexes, ["customer_id", "parcels"]);
    assert_eq!(OrderSummary::customer_id().name, "customer_id");
    assert_eq!(OrderSummary::by_parcels().name, "parcels");
    let values = document.index_values().unwrap();
    assert_eq!(values[0], cqrs_core::domain::IndexValue::Text(customer_id.to_string()));
    assert_eq!(values[1], cqrs_core::domain::IndexValue::Int(2));
}

#[test]
fn a_payload_may_name_the_document_and_another_be_ignored() {
    let metadata = metadata();
    let customer_id = CustomerId::generate();
    let placed = OrderEvent::from(OrderPlaced { customer_id: customer_id.clone() });
    let shipped = OrderEvent::from(OrderShipped { parcels: vec![1] });
    let mut keys = Vec::new();
    Fold::<CustomerOrders>::route(&placed, "not read", &mut keys).unwrap();
    Fold::<CustomerOrders>::route(&shipped, "not read", &mut keys).unwrap();
    assert_eq!(keys, [customer_id]);

    let state = placed.fold(State::<CustomerOrders>::Absent, &metadata).unwrap();
    let state = shipped.fold(state, &metadata).unwrap();
    assert_eq!(state, State::Present(CustomerOrders { placed: 1 }));
    const { assert!(<CustomerOrders as Apply<OrderShipped>>::IGNORED) };
    let feeds = Feeds::<CustomerOrders>::of();
    let feed = feeds.of_event("order", "order_sent").unwrap();
    assert!(feed.ignores("order_sent") && !feed.ignores("order_placed"));
}

#[test]
fn an_event_removes_a_document_and_a_creating_one_brings_it_back() {
    let metadata = metadata();
    let placed = OrderEvent::from(OrderPlaced { customer_id: CustomerId::generate() });
    let shipped = OrderEvent::from(OrderShipped { parcels: vec![1] });
    let kept = OrderEvent::from(OrderShipped { parcels: Vec::new() });
    let state = placed.fold(State::<OpenOrder>::Absent, &metadata).unwrap();
    let state = kept.fold(state, &metadata).unwrap();
    assert_eq!(state, State::Present(OpenOrder { since: 60 }));
    let state = shipped.fold(state, &metadata).unwrap();
    assert_eq!(state, State::Removed);
    let state = shipped.fold(state, &metadata).unwrap();
    assert_eq!(state, State::Removed);
    assert!(matches!(placed.fold(state, &metadata), Ok(State::Present(_))));
}

#[test]
fn a_fold_reads_metadata_where_one_of_its_handlers_takes_it() {
    const { assert!(<OpenOrder as Apply<OrderPlaced>>::READS_METADATA) };
    const { assert!(!<OpenOrder as Apply<OrderShipped>>::READS_METADATA) };
    const { assert!(!<CustomerOrders as Apply<OrderShipped>>::READS_METADATA) };
    const { assert!(<OrderEvent as Fold<OpenOrder>>::READS_METADATA) };
    const { assert!(!<OrderEvent as Fold<CustomerOrders>>::READS_METADATA) };
    const { assert!(<One<OrderPlaced> as Fold<OpenOrder>>::READS_METADATA) };
    const { assert!(!<One<PaymentTaken> as Fold<OrderSummary>>::READS_METADATA) };
}
