//! A small domain with every impl written by hand: what the macros generate, and proof that it needs nothing else.
#![allow(missing_docs, missing_debug_implementations)]

use cqrs_core::{
    __private as p,
    domain::{
        Aggregate, Apply, Command, Context, CreatedByHandlers, DecodeError, EncodeError, Event, EventType,
        Events, Feeds, Fold, FoldError, Handle, HandleError, Id, IdError, Includes, Index, IndexSpec,
        IndexValue, IntoEvents, Model, NoServices, Outcome, Payload, Projection, RoutedBy, SchemaVersion,
        SingleStream, State,
    },
    envelope::{CommandId, Json, Metadata},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(String);

impl std::fmt::Display for OrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::str::FromStr for OrderId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.is_empty() {
            Err(IdError::new("OrderId", text, "is empty"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}
impl Id for OrderId {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub customer: String,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmedV1 {}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    pub by: String,
}
impl From<OrderConfirmedV1> for OrderConfirmed {
    fn from(_: OrderConfirmedV1) -> Self {
        Self { by: "unknown".into() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum OrderEvent {
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
}

// ---- derive(Event)

impl From<OrderPlaced> for OrderEvent {
    fn from(event: OrderPlaced) -> Self {
        Self::Placed(event)
    }
}
impl From<OrderConfirmed> for OrderEvent {
    fn from(event: OrderConfirmed) -> Self {
        Self::Confirmed(event)
    }
}
impl Payload for OrderPlaced {
    type Set = OrderEvent;
    const TYPE: EventType = EventType::new("order_placed", SchemaVersion::__at_least_first(1), "OrderPlaced");
    fn encode(&self) -> Result<Json, EncodeError> {
        p::Recordable::write(self, Self::TYPE)
    }
    fn decode(version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        match version.get() {
            1 => p::Recordable::read(Self::TYPE, version, data),
            _ => Err(DecodeError::UnknownVersion {
                name: "order_placed",
                version,
                oldest: SchemaVersion::__at_least_first(1),
                newest: SchemaVersion::__at_least_first(1),
            }),
        }
    }
}
impl Payload for OrderConfirmed {
    type Set = OrderEvent;
    const TYPE: EventType =
        EventType::new("order_confirmed", SchemaVersion::__at_least_first(2), "OrderConfirmed");
    fn encode(&self) -> Result<Json, EncodeError> {
        p::Recordable::write(self, Self::TYPE)
    }
    fn decode(version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        match version.get() {
            2 => p::Recordable::read(Self::TYPE, version, data),
            1 => {
                let old: OrderConfirmedV1 =
                    p::Readable::read("order_confirmed", version, "OrderConfirmedV1", data)?;
                p::upcast(Self::TYPE, 1, p::UpcastFrom::upcast_from(old))
            }
            _ => Err(DecodeError::UnknownVersion {
                name: "order_confirmed",
                version,
                oldest: SchemaVersion::__at_least_first(1),
                newest: SchemaVersion::__at_least_first(2),
            }),
        }
    }
}
impl Event for OrderEvent {
    type Id = OrderId;
    const STREAM: &'static str = "order";
    const TYPES: &'static [EventType] = &[<OrderPlaced as Payload>::TYPE, <OrderConfirmed as Payload>::TYPE];
    fn event_type(&self) -> &'static EventType {
        match self {
            Self::Placed(_) => &Self::TYPES[0],
            Self::Confirmed(_) => &Self::TYPES[1],
        }
    }
    fn encode(&self) -> Result<Json, EncodeError> {
        match self {
            Self::Placed(event) => Payload::encode(event),
            Self::Confirmed(event) => Payload::encode(event),
        }
    }
    fn decode(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        match name {
            "order_placed" => <OrderPlaced as Payload>::decode(version, data).map(Self::Placed),
            "order_confirmed" => <OrderConfirmed as Payload>::decode(version, data).map(Self::Confirmed),
            _ => Err(DecodeError::UnknownName {
                category: "order",
                name: name.to_owned(),
                known: Self::TYPES.iter().map(|event| event.name).collect(),
            }),
        }
    }
}
impl<S> Fold<S> for OrderEvent
where
    S: Model + Apply<OrderPlaced> + Apply<OrderConfirmed>,
{
    const FINGERPRINT: u64 =
        p::combine(<S as Apply<OrderPlaced>>::FINGERPRINT, <S as Apply<OrderConfirmed>>::FINGERPRINT);
    const CATEGORY: &'static str = "order";
    const WHOLE: bool = true;
    const BY_STREAM: bool = <S as Apply<OrderPlaced>>::BY_STREAM && <S as Apply<OrderConfirmed>>::BY_STREAM;
    fn types() -> &'static [EventType] {
        Self::TYPES
    }
    fn ignores(name: &str) -> bool {
        match name {
            "order_placed" => <S as Apply<OrderPlaced>>::IGNORED,
            "order_confirmed" => <S as Apply<OrderConfirmed>>::IGNORED,
            _ => false,
        }
    }
    fn read(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {
        <Self as Event>::decode(name, version, data)
    }
    fn route(&self, stream: &str, keys: &mut Vec<S::Key>) -> Result<(), IdError> {
        match self {
            Self::Placed(event) => <S as Apply<OrderPlaced>>::route(event, stream, keys),
            Self::Confirmed(event) => <S as Apply<OrderConfirmed>>::route(event, stream, keys),
        }
    }
    fn fold(&self, state: State<S>, metadata: &Metadata) -> Result<State<S>, FoldError> {
        match self {
            Self::Placed(event) => <S as Apply<OrderPlaced>>::apply(state, event, metadata),
            Self::Confirmed(event) => <S as Apply<OrderConfirmed>>::apply(state, event, metadata),
        }
    }
}
impl Includes<OrderPlaced> for OrderEvent {}
impl Includes<OrderConfirmed> for OrderEvent {}
impl IntoEvents<OrderEvent> for OrderPlaced {
    fn into_events(self, events: &mut Events<OrderEvent>) {
        events.push(OrderEvent::Placed(self));
    }
}
impl Outcome<OrderEvent> for OrderPlaced {
    type Error = std::convert::Infallible;
    fn into_outcome(self) -> Result<Events<OrderEvent>, Self::Error> {
        Ok(vec![OrderEvent::Placed(self)])
    }
}
impl IntoEvents<OrderEvent> for OrderConfirmed {
    fn into_events(self, events: &mut Events<OrderEvent>) {
        events.push(OrderEvent::Confirmed(self));
    }
}

// ---- derive(Aggregate) on Order

pub struct Order {
    confirmed: bool,
}
impl Model for Order {
    type Key = OrderId;
    type Events = OrderEvent;
    const FINGERPRINT: u64 = 1;
    fn initial() -> Option<Self> {
        None
    }
}
impl CreatedByHandlers for Order {}
impl Aggregate for Order {
    type Event = OrderEvent;
    type Services = NoServices;
    const SNAPSHOT_EVERY: Option<u64> = None;
    fn to_snapshot(&self) -> Option<Json> {
        None
    }
    fn from_snapshot(_: &Json) -> Option<Self> {
        None
    }
}

// ---- derive(Command)

#[derive(Serialize, Deserialize)]
pub struct PlaceOrder {
    pub order_id: OrderId,
    pub customer: String,
}
impl Command for PlaceOrder {
    type Aggregate = Order;
    const NAME: &'static str = "place_order";
    fn aggregate_id(&self) -> &OrderId {
        &self.order_id
    }
    fn __copy(&self) -> Self {
        Self { order_id: self.order_id.clone(), customer: self.customer.clone() }
    }
}
#[derive(Serialize, Deserialize)]
pub struct ConfirmOrder {
    pub order_id: OrderId,
}
impl Command for ConfirmOrder {
    type Aggregate = Order;
    const NAME: &'static str = "confirm_order";
    fn aggregate_id(&self) -> &OrderId {
        &self.order_id
    }
    fn __copy(&self) -> Self {
        Self { order_id: self.order_id.clone() }
    }
}

#[derive(Debug, PartialEq)]
pub struct AlreadyConfirmed;
impl std::fmt::Display for AlreadyConfirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("already confirmed")
    }
}
impl std::error::Error for AlreadyConfirmed {}

// ---- #[handlers] impl Order

impl Order {
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { customer: command.customer }
    }
    #[allow(clippy::unused_async)]
    async fn confirm(
        &self,
        _command: &ConfirmOrder,
        meta: &Metadata,
    ) -> Result<[OrderConfirmed; 1], AlreadyConfirmed> {
        if self.confirmed {
            Err(AlreadyConfirmed)
        } else {
            Ok([OrderConfirmed { by: meta.command_id.to_string() }])
        }
    }
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self { confirmed: false }
    }
    fn on_confirmed(&mut self, _event: &OrderConfirmed) {
        self.confirmed = true;
    }
}
impl Handle<PlaceOrder> for Order {
    type Error = <OrderPlaced as Outcome<<Self as Aggregate>::Event>>::Error;
    async fn handle<'a>(
        state: State<&'a Self>,
        command: &'a PlaceOrder,
        _context: Context<'a, Self>,
    ) -> Result<Events<<Self as Aggregate>::Event>, HandleError<Self::Error>> {
        p::require_absent(&state)?;
        Outcome::<<Self as Aggregate>::Event>::into_outcome(Self::place(Command::__copy(command)))
            .map_err(HandleError::Rejected)
    }
}
impl Handle<ConfirmOrder> for Order {
    type Error =
        <Result<[OrderConfirmed; 1], AlreadyConfirmed> as Outcome<<Self as Aggregate>::Event>>::Error;
    async fn handle<'a>(
        state: State<&'a Self>,
        command: &'a ConfirmOrder,
        context: Context<'a, Self>,
    ) -> Result<Events<<Self as Aggregate>::Event>, HandleError<Self::Error>> {
        let this = p::require_present(state)?;
        Outcome::<<Self as Aggregate>::Event>::into_outcome(
            this.confirm(command, <Metadata as cqrs_core::domain::Extract<Self>>::extract(context)).await,
        )
        .map_err(HandleError::Rejected)
    }
}
impl Apply<OrderPlaced> for Order {
    const FINGERPRINT: u64 = 3;
    fn route(_: &OrderPlaced, stream: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError> {
        fn routed_by<I: RoutedBy<K, E>, K, E>() {}
        routed_by::<<<OrderPlaced as Payload>::Set as Event>::Id, <Order as Model>::Key, OrderPlaced>();
        keys.push(stream.parse()?);
        Ok(())
    }
    fn apply(state: State<Self>, event: &OrderPlaced, _: &Metadata) -> Result<State<Self>, FoldError> {
        p::create::<Self, OrderPlaced>(state, || Self::on_placed(event))
    }
}
impl Apply<OrderConfirmed> for Order {
    const FINGERPRINT: u64 = 4;
    fn route(_: &OrderConfirmed, stream: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError> {
        keys.push(stream.parse()?);
        Ok(())
    }
    fn apply(state: State<Self>, event: &OrderConfirmed, _: &Metadata) -> Result<State<Self>, FoldError> {
        p::change::<Self, OrderConfirmed>(state, |this| this.on_confirmed(event))
    }
}
const _: () = {
    fn includes<S: Includes<E>, E>() {}
    fn check() {
        includes::<<Order as Model>::Events, OrderPlaced>();
    }
    let _ = check;
};

// ---- derive(Projection), handlers

#[derive(Serialize, Deserialize)]
pub struct OrderSummary {
    customer: String,
}
impl Model for OrderSummary {
    type Key = OrderId;
    type Events = OrderEvent;
    const FINGERPRINT: u64 = 9;
    fn initial() -> Option<Self> {
        None
    }
}
impl CreatedByHandlers for OrderSummary {}
impl Projection for OrderSummary {
    const NAME: &'static str = "order_summary";
    const VERSION: u32 = 1;
    const MAX_LAG: Option<std::time::Duration> = None;
    const INDEXES: &'static [IndexSpec] = &[IndexSpec::new("customer")];
    fn feeds(feeds: &mut Feeds<Self>) {
        feeds.add::<OrderEvent>();
    }
    fn index_values(&self) -> Result<Vec<IndexValue>, serde_json::Error> {
        Ok(vec![IndexValue::of(&self.customer)?])
    }
}
impl SingleStream for OrderSummary {
    type Event = OrderEvent;
}
impl OrderSummary {
    pub const fn customer() -> Index<Self, String> {
        Index::new("customer")
    }
    fn on_archived(self, event: &OrderConfirmed) -> Option<Self> {
        (event.by != self.customer).then_some(self)
    }
}
impl Apply<OrderPlaced> for OrderSummary {
    const FINGERPRINT: u64 = 5;
    fn route(_: &OrderPlaced, stream: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError> {
        keys.push(stream.parse()?);
        Ok(())
    }
    fn apply(state: State<Self>, event: &OrderPlaced, _: &Metadata) -> Result<State<Self>, FoldError> {
        p::create::<Self, OrderPlaced>(state, || Self { customer: event.customer.clone() })
    }
}
impl Apply<OrderConfirmed> for OrderSummary {
    const FINGERPRINT: u64 = 6;
    const BY_STREAM: bool = false;
    fn route(event: &OrderConfirmed, _: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError> {
        let key: Self::Key = Clone::clone(&(OrderId(event.by.clone())));
        keys.push(key);
        Ok(())
    }
    fn apply(state: State<Self>, event: &OrderConfirmed, _: &Metadata) -> Result<State<Self>, FoldError> {
        p::replace::<Self, OrderConfirmed, _>(state, |this| this.on_archived(event))
    }
}

// ---- it holds together

#[tokio::test]
async fn a_domain_written_by_hand_decides_and_folds() {
    let metadata = Metadata::of_command(CommandId::generate(), jiff::Timestamp::UNIX_EPOCH);
    let context = Context { metadata: &metadata, services: &NoServices };
    let id = OrderId("1".into());
    let place = PlaceOrder { order_id: id.clone(), customer: "ada".into() };
    let events = Order::handle(State::Absent, &place, context).await.expect("placed");
    assert_eq!(events, [OrderEvent::Placed(OrderPlaced { customer: "ada".into() })]);
    let state = Fold::<Order>::fold(&events[0], State::Absent, &metadata).expect("folds");
    let confirmed =
        Order::handle(state.as_ref(), &ConfirmOrder { order_id: id }, context).await.expect("confirmed");
    let state = Fold::<Order>::fold(&confirmed[0], state, &metadata).expect("folds");
    assert!(state.present().expect("there").confirmed);
    assert_eq!(OrderSummary::customer().name, "customer");
    assert_eq!(Feeds::<OrderSummary>::of().iter().count(), 1);
    let old = OrderEvent::decode(
        "order_confirmed",
        SchemaVersion::FIRST,
        &Json::from_text("{}".into()).expect("JSON"),
    );
    assert_eq!(old.expect("upcast"), OrderEvent::Confirmed(OrderConfirmed { by: "unknown".into() }));
}
