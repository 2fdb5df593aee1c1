//! Given, when, then: what holds passes, and what does not says why.
#![allow(missing_docs, missing_debug_implementations, clippy::unused_self)]

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use cqrs_core::prelude::*;
use cqrs_testkit::{Spec, ViewSpec, tokio};

#[derive(Id)]
struct OrderId(String);

#[derive(Id)]
struct CustomerId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OrderPlaced {
    customer: CustomerId,
    total: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OrderConfirmed {
    by: Option<String>,
    at: Timestamp,
}

/// As it was recorded at first.
#[derive(Deserialize)]
struct OrderPlacedV1 {
    customer: CustomerId,
    prices: Vec<u32>,
}

impl TryFrom<OrderPlacedV1> for OrderPlaced {
    type Error = Rejection;

    fn try_from(old: OrderPlacedV1) -> Result<Self, Rejection> {
        if old.prices.is_empty() {
            return Err(Rejection::Empty);
        }
        Ok(Self { customer: old.customer, total: old.prices.iter().sum() })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OrderRemoved {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OrderNoted {
    #[serde(skip)]
    lost: u32,
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    #[event(version = 2, from(1 = OrderPlacedV1))]
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
    Removed(OrderRemoved),
    Noted(OrderNoted),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PaymentTaken {
    order: OrderId,
    amount: u32,
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "payment", id = OrderId)]
enum PaymentEvent {
    Taken(PaymentTaken),
}

struct Prices {
    each: u32,
}

#[derive(Aggregate)]
#[aggregate(event = OrderEvent, services = Prices)]
struct Order {
    confirmed: bool,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order: OrderId,
    customer: CustomerId,
    pieces: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct ConfirmOrder {
    #[command(id)]
    order: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct NoteOrder {
    #[command(id)]
    order: OrderId,
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Rejection {
    #[error("an order of nothing")]
    Empty,
    #[error("more than {0} pieces")]
    TooMany(u32),
}

#[handlers(ignore(OrderNoted))]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder, prices: &Prices) -> Result<OrderPlaced, Rejection> {
        match command.pieces {
            0 => Err(Rejection::Empty),
            1..=9 => Ok(OrderPlaced { customer: command.customer, total: command.pieces * prices.each }),
            _ => Err(Rejection::TooMany(9)),
        }
    }

    #[command_handler]
    async fn confirm(&self, _: &ConfirmOrder, metadata: &Metadata) -> Option<OrderConfirmed> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let event = OrderConfirmed { by: metadata.actor.clone(), at: metadata.time };
        (!self.confirmed).then_some(event)
    }

    #[command_handler]
    fn note(&self, _: NoteOrder) -> OrderNoted {
        OrderNoted { lost: 1 }
    }

    #[event_handler]
    fn on_placed(_: &OrderPlaced) -> Self {
        Self { confirmed: false }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed) {
        self.confirmed = true;
    }

    #[event_handler]
    fn on_removed(self, _: &OrderRemoved) -> Option<Self> {
        None
    }
}

#[derive(Projection, Debug, PartialEq, Serialize, Deserialize)]
#[projection(name = "order_summary", events(OrderEvent, PaymentEvent), key = OrderId)]
struct OrderSummary {
    #[projection(index)]
    customer: CustomerId,
    paid: u32,
    confirmed_at: Option<Timestamp>,
    confirmed_by: Option<String>,
}

#[handlers(ignore(OrderNoted))]
impl OrderSummary {
    #[event_handler]
    fn on_placed(event: &OrderPlaced) -> Self {
        Self { customer: event.customer.clone(), paid: 0, confirmed_at: None, confirmed_by: None }
    }

    #[event_handler]
    fn on_confirmed(&mut self, _: &OrderConfirmed, metadata: &Metadata) {
        self.confirmed_at = Some(metadata.time);
        self.confirmed_by.clone_from(&metadata.actor);
    }

    #[event_handler]
    fn on_removed(self, _: &OrderRemoved) -> Option<Self> {
        None
    }

    #[event_handler(key = event.order)]
    fn on_paid(&mut self, event: &PaymentTaken) {
        self.paid += event.amount;
    }
}

fn order() -> OrderId {
    OrderId::new("1").expect("an id")
}

fn ada() -> CustomerId {
    CustomerId::new("ada").expect("an id")
}

fn placed() -> OrderPlaced {
    OrderPlaced { customer: ada(), total: 6 }
}

fn confirmed() -> OrderConfirmed {
    OrderConfirmed { by: None, at: Timestamp::UNIX_EPOCH }
}

fn place(pieces: u32) -> PlaceOrder {
    PlaceOrder { order: order(), customer: ada(), pieces }
}

fn confirm() -> ConfirmOrder {
    ConfirmOrder { order: order() }
}

fn summary(paid: u32) -> OrderSummary {
    OrderSummary { customer: ada(), paid, confirmed_at: None, confirmed_by: None }
}

const PRICES: Prices = Prices { each: 2 };

/// What a test that fails says.
fn failure<T>(test: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).err().expect("the test fails");
    message(&*panic)
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic.downcast_ref::<String>().cloned().expect("a message with values")
}

#[test]
fn a_command_leads_to_events_and_the_test_goes_on() {
    Spec::<Order>::given(())
        .services(&PRICES)
        .when(place(3))
        .then(placed())
        .when(confirm())
        .then([confirmed()])
        .when(confirm())
        .then_nothing()
        .and_given(OrderRemoved {})
        .when(confirm())
        .then_not_found();
}

#[test]
fn given_events_may_be_of_several_types() {
    Spec::<Order>::given((placed(), confirmed())).services(&PRICES).when(confirm()).then_nothing();
    Spec::<Order>::given(vec![OrderEvent::Placed(placed())])
        .services(&PRICES)
        .when(place(1))
        .then_already_exists();
    Spec::<Order>::new().services(&PRICES).when(confirm()).then_not_found();
}

#[test]
fn a_rejection_is_compared() {
    let given = || Spec::<Order>::new().services(&PRICES);
    given().when(place(0)).then_rejected(Rejection::Empty);
    given().when(place(10)).then_rejected_as(|error| matches!(error, Rejection::TooMany(most) if *most == 9));
    let other = failure(|| given().when(place(10)).then_rejected(Rejection::Empty));
    assert!(other.contains("rejected for another reason (- expected, + actual)"), "{other}");
    assert!(other.contains("- Empty\n+ TooMany("), "{other}");
    let none = failure(|| given().when(place(1)).then_rejected(Rejection::Empty));
    assert!(none.contains("was to be rejected: an order of nothing (Empty)\nbut it led to"), "{none}");
    let unfit = failure(|| given().when(place(0)).then_rejected_as(|error| *error != Rejection::Empty));
    assert!(unfit.contains("rejected for another reason: an order of nothing"), "{unfit}");
}

#[test]
fn other_events_are_shown_as_a_difference() {
    let given = || Spec::<Order>::new().services(&PRICES);
    let other = failure(|| given().when(place(4)).then(placed()));
    assert!(
        other.starts_with("the command `place_order` led to other events (- expected, + actual)\n"),
        "{other}"
    );
    assert!(other.contains("-             total: 6,\n+             total: 8,\n"), "{other}");
    assert!(other.contains("              customer: CustomerId("), "what is equal is there too: {other}");
    let missing = failure(|| given().when(place(3)).then((placed(), confirmed())));
    assert!(missing.contains("-     Confirmed(\n"), "{missing}");
    let more = failure(|| given().when(place(3)).then_nothing());
    assert!(more.contains("+     Placed(\n"), "{more}");
}

#[test]
fn a_refusal_in_place_of_events_is_told() {
    let given = || Spec::<Order>::new().services(&PRICES);
    let rejected = failure(|| given().when(place(0)).then(placed()));
    assert!(rejected.ends_with("but it was rejected: an order of nothing (Empty)"), "{rejected}");
    let missing = failure(|| given().when(confirm()).then(confirmed()));
    assert!(missing.ends_with("but the aggregate does not exist"), "{missing}");
    let exists = failure(|| given().and_given(placed()).when(place(1)).then_nothing());
    assert!(exists.ends_with("but the aggregate exists already"), "{exists}");
    let found = failure(|| given().and_given(placed()).when(confirm()).then_not_found());
    assert!(found.contains("was to find no aggregate\nbut it led to"), "{found}");
    let absent = failure(|| given().when(place(1)).then_already_exists());
    assert!(absent.contains("was to find that the aggregate exists already\nbut it led to"), "{absent}");
}

#[test]
fn given_events_have_to_fit() {
    let twice = failure(|| Spec::<Order>::given((placed(), placed())));
    assert!(
        twice.starts_with("`Order` can't take the event `order_placed` after those before it: "),
        "{twice}"
    );
    let missing = failure(|| Spec::<Order>::given(confirmed()));
    assert!(missing.contains("`order_confirmed`"), "{missing}");
}

#[test]
fn an_event_that_the_log_would_change_is_noticed() {
    let changed = failure(|| {
        let note = NoteOrder { order: order() };
        Spec::<Order>::given(placed()).services(&PRICES).when(note).then(OrderNoted { lost: 1 })
    });
    assert!(changed.contains("comes back from the log as another one"), "{changed}");
    assert!(changed.contains("-         lost: 1,\n+         lost: 0,\n"), "{changed}");
}

#[test]
fn declared_services_have_to_be_given() {
    let none = failure(|| Spec::<Order>::new().when(place(1)).then_nothing());
    assert_eq!(none, "`Order` declares services: give them to the test with `.services(&…)`");
}

#[test]
fn a_command_comes_at_a_time_and_from_somebody() {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    Spec::<Order>::given(placed())
        .services(&PRICES)
        .at(noon)
        .by("ada")
        .when(confirm())
        .then(OrderConfirmed { by: Some("ada".to_owned()), at: noon });
    Spec::<Order>::given(placed())
        .services(&PRICES)
        .with_metadata(|metadata| metadata.actor = Some("bob".to_owned()))
        .when(confirm())
        .then(OrderConfirmed { by: Some("bob".to_owned()), at: Timestamp::UNIX_EPOCH });
}

#[tokio::test]
async fn an_async_handler_is_waited_for_inside_of_a_runtime_too() {
    Spec::<Order>::given(placed()).services(&PRICES).when(confirm()).then(confirmed());
    Spec::<Order>::given(placed()).services(&PRICES).when_async(confirm()).await.then(confirmed());
    let failed = failure(|| Spec::<Order>::given(placed()).services(&PRICES).when(confirm()).then_nothing());
    assert!(failed.contains("led to other events"), "{failed}");
}

#[test]
fn a_failure_stands_on_the_line_of_the_test() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|location| location.file().to_owned());
        let _ = sender.send((std::thread::current().id(), place));
        before(info);
    }));
    let _ = failure(|| Spec::<Order>::new().services(&PRICES).when(place(1)).then_nothing());
    let _ = failure(|| Spec::<Order>::given(confirmed()));
    let _ = failure(|| ViewSpec::<OrderSummary>::given(&order(), placed()).then_none(&order()));
    let _ = failure(|| Spec::<Order>::given_recorded("order_placed", 1, "{"));
    let _ = failure(|| ViewSpec::<OrderSummary>::given_recorded::<OrderEvent>(&order(), "?", 1, "{}"));
    let _ = std::panic::take_hook();
    let here = std::thread::current().id();
    let files: Vec<_> =
        receiver.try_iter().filter(|(thread, _)| *thread == here).map(|(_, file)| file).collect();
    assert_eq!(files.len(), 5);
    for file in files {
        assert!(file.as_ref().is_some_and(|file| file.ends_with("spec.rs")), "{file:?}");
    }
}

#[test]
fn a_view_is_folded_from_events_of_several_streams_and_sets() {
    let (first, second) = (order(), OrderId::new("2").expect("an id"));
    let payment = OrderId::new("p").expect("an id");
    let paid = |order: &OrderId, amount| PaymentTaken { order: order.clone(), amount };
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    ViewSpec::<OrderSummary>::given(&first, placed())
        .and_given(&second, OrderEvent::Placed(placed()))
        .and_given(&payment, [paid(&first, 1), paid(&second, 5), paid(&first, 2)])
        .then(&first, summary(3))
        .then(&second, summary(5))
        .at(noon)
        .by("ada")
        .and_given(&first, (OrderNoted { lost: 0 }, confirmed()))
        .then(
            &first,
            OrderSummary { confirmed_at: Some(noon), confirmed_by: Some("ada".to_owned()), ..summary(3) },
        )
        .and_given(&second, OrderRemoved {})
        .then_none(&second)
        .then_none(&payment);
}

#[test]
fn another_document_is_shown_as_a_difference() {
    let given = || ViewSpec::<OrderSummary>::given(&order(), placed());
    let other = failure(|| given().then(&order(), summary(7)));
    assert!(
        other.starts_with("`OrderSummary` has another document under `1` (- expected, + actual)\n"),
        "{other}"
    );
    assert!(other.contains("-     paid: 7,\n+     paid: 0,\n"), "{other}");
    let missing = failure(|| given().then(&OrderId::new("2").expect("an id"), summary(0)));
    assert_eq!(missing, "`OrderSummary` has no document under `2`, only under [\"1\"]");
    let removed = failure(|| given().and_given(&order(), OrderRemoved {}).then(&order(), summary(0)));
    assert_eq!(removed, "the document `1` of `OrderSummary` was removed");
    let there = failure(|| given().then_none(&order()));
    assert!(
        there.starts_with("`OrderSummary` was to have no document under `1`, but has OrderSummary {"),
        "{there}"
    );
}

#[test]
fn an_event_that_a_projection_would_park_is_noticed() {
    let unknown = failure(|| ViewSpec::<OrderSummary>::given(&order(), confirmed()));
    assert!(
        unknown.starts_with("`OrderSummary` can't take the event `order_confirmed` into its document `1`: "),
        "{unknown}"
    );
}

const PLACED_V1: &str = r#"{"customer":"ada","prices":[2,4]}"#;

#[test]
fn a_recorded_event_of_an_older_version_is_upcast() {
    Spec::<Order>::given_recorded("order_placed", 1, PLACED_V1)
        .services(&PRICES)
        .when(confirm())
        .then(confirmed())
        .and_given_recorded("order_removed", 1, "{}")
        .when(confirm())
        .then_not_found();
    ViewSpec::<OrderSummary>::given_recorded::<OrderEvent>(&order(), "order_placed", 1, PLACED_V1)
        .and_given_recorded::<PaymentEvent>(&order(), "payment_taken", 1, r#"{"order":"1","amount":4}"#)
        .then(&order(), summary(4))
        .and_given_recorded::<OrderEvent>(&order(), "order_noted", 1, "{}")
        .then(&order(), summary(4));
}

#[test]
fn a_recorded_event_that_can_t_be_read_is_noticed() {
    let given = |name: &str, version, json: &str| {
        let spec = failure(|| Spec::<Order>::given_recorded(name, version, json));
        let view =
            failure(|| ViewSpec::<OrderSummary>::given_recorded::<OrderEvent>(&order(), name, version, json));
        assert_eq!(spec, view);
        spec
    };
    let upcast = given("order_placed", 1, r#"{"customer":"ada","prices":[]}"#);
    assert!(upcast.starts_with(r#"a recorded event can't be read from {"customer":"ada","prices":[]}: "#));
    assert!(upcast.ends_with("could not be upcast from schema version 1: an order of nothing"), "{upcast}");
    let unfit = given("order_placed", 2, PLACED_V1);
    assert!(
        unfit.contains("the event `order_placed` in schema version 2 does not fit `OrderPlaced`"),
        "{unfit}"
    );
    let newer = given("order_placed", 3, PLACED_V1);
    assert!(newer.contains("was recorded in schema version 3, but this program reads 1 to 2"), "{newer}");
    let unknown = given("order_places", 1, PLACED_V1);
    assert!(unknown.contains("the event `order_places` is unknown in the category `order`"), "{unknown}");
    let text = given("order_placed", 1, "{");
    assert!(text.starts_with("the recorded data of the event `order_placed` is no JSON: "), "{text}");
    let zero = given("order_placed", 0, PLACED_V1);
    assert_eq!(zero, "schema versions start at 1, not at 0");
}

#[test]
fn a_recorded_event_has_to_fit_those_before_it() {
    let twice = failure(|| Spec::<Order>::given(placed()).and_given_recorded("order_placed", 1, PLACED_V1));
    assert!(
        twice.starts_with("`Order` can't take the event `order_placed` after those before it: "),
        "{twice}"
    );
    let removed = failure(|| {
        ViewSpec::<OrderSummary>::given(&order(), placed()).and_given_recorded::<OrderEvent>(
            &order(),
            "order_placed",
            1,
            PLACED_V1,
        )
    });
    assert!(removed.contains("can't take the event `order_placed` into its document `1`: "), "{removed}");
}
