#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod aggregate;
mod command;
mod diagnostics;
mod event;
#[cfg(test)]
mod expansions;
mod fingerprint;
mod generated;
mod handlers;
mod id;
mod names;
mod options;
mod projection;
mod spans;

use proc_macro::TokenStream;

/// Makes an enum the event set of one kind of stream. See [`Event`](../cqrs_core/domain/trait.Event.html).
///
/// Each variant holds one event, a type of its own in the same crate, which belongs to this set alone:
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] pub struct OrderPlaced;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] pub struct OrderConfirmed;
/// # #[derive(Deserialize)] pub struct OrderConfirmedV1;
/// # #[derive(Deserialize)] pub struct OrderConfirmedV2;
/// # impl From<OrderConfirmedV1> for OrderConfirmedV2 { fn from(_: OrderConfirmedV1) -> Self { Self } }
/// # impl From<OrderConfirmedV2> for OrderConfirmed { fn from(_: OrderConfirmedV2) -> Self { Self } }
/// #[derive(Event, Clone, Debug, PartialEq)]
/// #[event(stream = "order", id = OrderId)]
/// pub enum OrderEvent {
///     Placed(OrderPlaced),
///     #[event(name = "order_accepted", version = 3, from(1 = OrderConfirmedV1, 2 = OrderConfirmedV2))]
///     Confirmed(OrderConfirmed),
/// }
/// ```
///
/// On the enum: `stream` names the category of the streams, `id` the type of a stream's id; `crate` is the path of
/// `cqrs_core`, where it has another. On a variant: `name` is the stable name in the log, by default the event's
/// type in snake case; `version` the schema version, by default 1; `from` lists a type for each older version, each
/// of which converts into the next by `From` or `TryFrom`.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(input.into()).into()
}

/// Makes a type the write model of one kind of stream. See [`Aggregate`](../cqrs_core/domain/trait.Aggregate.html).
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Id)] pub struct CustomerId(String);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { customer_id: CustomerId }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] pub enum OrderEvent { Placed(OrderPlaced) }
/// # pub struct OrderServices;
/// #[derive(Aggregate, Serialize, Deserialize)]
/// #[aggregate(event = OrderEvent, services = OrderServices, snapshot(every = 100))]
/// pub struct Order {
///     confirmed: bool,
/// }
/// # #[handlers(ignore(OrderPlaced))] impl Order {}
/// ```
///
/// `event` names its event set; `services` a type that its command handlers may take by reference; `snapshot` asks
/// for a snapshot every so many events (its `version` is raised when the handlers' meaning changes through code
/// outside of them); `default` says that it exists from the start, as `Default::default()`; `crate` is the path of
/// `cqrs_core`, where it has another.
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    aggregate::derive(input.into()).into()
}

/// Makes a struct a command. See [`Command`](../cqrs_core/domain/trait.Command.html).
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Id)] pub struct CustomerId(String);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { customer_id: CustomerId }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] pub enum OrderEvent { Placed(OrderPlaced) }
/// # #[derive(Aggregate)] #[aggregate(event = OrderEvent)] pub struct Order;
/// # #[handlers(ignore(OrderPlaced))] impl Order { #[command_handler] fn place(_command: PlaceOrder) {} }
/// #[derive(Command, Serialize, Deserialize)]
/// #[command(aggregate = Order)]
/// pub struct PlaceOrder {
///     #[command(id)]
///     pub order_id: OrderId,
///     pub lines: Vec<String>,
/// }
/// ```
///
/// `aggregate` names what decides it; `name` is its stable name, by default the type's in snake case; `crate` is the
/// path of `cqrs_core`, where it has another. One field, marked `#[command(id)]`, holds the aggregate's id. Each
/// field is `Clone`.
#[proc_macro_derive(Command, attributes(command))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    command::derive(input.into()).into()
}

/// Makes a struct a read model. See [`Projection`](../cqrs_core/domain/trait.Projection.html).
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Id)] pub struct CustomerId(String);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { customer_id: CustomerId }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] pub enum OrderEvent { Placed(OrderPlaced) }
/// # #[derive(Id)] pub struct PaymentId(Uuid);
/// # #[derive(Serialize, Deserialize)] pub struct PaymentTaken { order_id: OrderId }
/// # #[derive(Event)] #[event(stream = "payment", id = PaymentId)] pub enum PaymentEvent { Taken(PaymentTaken) }
/// # #[handlers(ignore(OrderPlaced, PaymentTaken))] impl OrderSummary {}
/// #[derive(Projection, Serialize, Deserialize)]
/// #[projection(name = "order_summary", version = 1, events(OrderEvent, PaymentTaken), key = OrderId, max_lag = "2s")]
/// pub struct OrderSummary {
///     #[projection(index)]
///     customer_id: CustomerId,
///     total: u64,
/// }
/// ```
///
/// `events` lists the event sets, and single events, that feed it: each event of a listed set is handled or ignored.
/// `key` is the type of the documents' key; without it the projection has one document for each stream of its one
/// event set. `name` is the stable name, by default the type's in snake case; `version` is raised to have it built
/// anew from the log; `max_lag` is the lag that it promises to stay under, such as `"500ms"`; `on_error` is what happens with an event that can't be
/// folded in: `"park"`, the default, `"retry"` or `"halt"`; `partitions`, a power of two, divides the documents so that several
/// applications can keep them up to date together; `default` says that a
/// document exists from the start, as `Default::default()`; `crate` is the path of `cqrs_core`, where it has another.
///
/// `#[projection(index)]` on a field makes it an index, and gives the type a function of the field's name for
/// queries: `OrderSummary::customer_id()`; `#[projection(index(accessor = by_customer))]` names it otherwise. The field
/// holds one value: text, a whole number within `i64`, a float, a boolean, an id, a `Uuid`, a `DateTime`, an enum without
/// fields, or an `Option` of one of these; no collection, map, array or tuple. The index is named as the field is in the
/// stored document: serde's `rename` and `rename_all` count, and what keeps the field out of the document is refused.
#[proc_macro_derive(Projection, attributes(projection))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    projection::derive(input.into()).into()
}

/// Makes a struct with one field an id. See [`Id`](../cqrs_core/domain/trait.Id.html).
///
/// ```
/// # use cqrs_core::prelude::*;
/// # fn check_customer(text: &str) -> Result<(), String> { Ok(()) }
/// #[derive(Id)]
/// pub struct OrderId(Uuid);
///
/// #[derive(Id)]
/// #[id(validate = check_customer)] // fn check_customer(text: &str) -> Result<(), String>
/// pub struct CustomerId(String);
/// ```
///
/// The field is a `Uuid`, a `String` or an integer of up to 64 bits. All else comes with it, so derive none of these
/// beside it: `Clone`, `Copy` (not for text), `Debug`, `PartialEq`, `Eq`, `PartialOrd`, `Ord`, `Hash`, `Display`,
/// `FromStr`, `Serialize` and `Deserialize`. `validate` names a function that refuses values, and gets a `&str` for
/// text, else the inner value; `crate` is the path of `cqrs_core`, where it has another.
#[proc_macro_derive(Id, attributes(id))]
pub fn derive_id(input: TokenStream) -> TokenStream {
    id::derive(input.into()).into()
}

/// Reads the handlers in an impl block of an aggregate or a projection. The block itself stays as it is.
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { total: u64 }
/// # #[derive(Serialize, Deserialize)] pub struct OrderArchived;
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)]
/// # pub enum OrderEvent { Placed(OrderPlaced), Archived(OrderArchived) }
/// # #[derive(Aggregate)] #[aggregate(event = OrderEvent)] pub struct Order { total: u64 }
/// # #[derive(Command, Serialize, Deserialize)] #[command(aggregate = Order)]
/// # pub struct PlaceOrder { #[command(id)] order_id: OrderId, total: u64 }
/// #[handlers(ignore(OrderArchived))]
/// impl Order {
///     #[command_handler]
///     fn place(command: PlaceOrder) -> OrderPlaced {
///         OrderPlaced { total: command.total }
///     }
///
///     #[event_handler]
///     fn on_placed(event: &OrderPlaced) -> Self {
///         Self { total: event.total }
///     }
/// }
/// ```
///
/// `ignore` lists events that make no difference to the type; `crate` is the path of `cqrs_core`, where it has
/// another. A type may have several such blocks. See [`macro@command_handler`] and [`macro@event_handler`].
#[proc_macro_attribute]
pub fn handlers(options: TokenStream, item: TokenStream) -> TokenStream {
    handlers::expand(options.into(), item.into()).into()
}

/// Marks a method in a [`macro@handlers`] block that decides a command.
///
/// It takes no `self`, which creates the aggregate, or `&self`; the command, by value or reference; and then, in any
/// order, `&Metadata` and a reference to the aggregate's services. It may be `async`. It returns nothing, one event,
/// an `Option`, `Vec`, array or tuple of events, or a `Result` of one of these.
///
/// ```
/// # use cqrs_core::{envelope::Metadata, prelude::*};
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Serialize, Deserialize)] pub struct OrderConfirmed { stock: u32 }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] pub enum OrderEvent { Confirmed(OrderConfirmed) }
/// # pub struct Warehouse;
/// # impl Warehouse { async fn stock(&self) -> u32 { 1 } }
/// # #[derive(Aggregate, Default)] #[aggregate(event = OrderEvent, services = Warehouse, default)]
/// # pub struct Order { confirmed: bool }
/// # #[derive(Command, Serialize, Deserialize)] #[command(aggregate = Order)]
/// # pub struct ConfirmOrder { #[command(id)] order_id: OrderId }
/// # #[derive(Debug, thiserror::Error)] #[error("the order can't be confirmed twice")] pub struct ConfirmedAlready;
/// #[handlers(ignore(OrderConfirmed))]
/// impl Order {
///     #[command_handler]
///     async fn confirm(
///         &self,
///         _command: &ConfirmOrder,
///         _metadata: &Metadata,
///         warehouse: &Warehouse,
///     ) -> Result<OrderConfirmed, ConfirmedAlready> {
///         if self.confirmed {
///             return Err(ConfirmedAlready);
///         }
///         Ok(OrderConfirmed { stock: warehouse.stock().await })
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn command_handler(options: TokenStream, item: TokenStream) -> TokenStream {
    handlers::outside("command_handler", &options.into(), item.into()).into()
}

/// Marks a method in a [`macro@handlers`] block that folds an event.
///
/// It takes no `self` and returns `Self`, which creates the state; or `&mut self`, which changes it; or `self`, and
/// returns `Self`, or `Option<Self>`, where `None` removes it. Then comes a reference to the event, and then, where
/// it is of use, `&Metadata`.
///
/// In a projection with a key of its own, `#[event_handler(key = event.order_id)]` names the document that the event
/// belongs to, and `keys = …` several of them:
///
/// ```
/// # use cqrs_core::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Id)] pub struct CustomerId(String);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { customer_id: CustomerId }
/// # #[derive(Serialize, Deserialize)] pub struct OrderShared { customers: Vec<CustomerId> }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)]
/// # pub enum OrderEvent { Placed(OrderPlaced), Shared(OrderShared) }
/// #[derive(Projection, Default, Serialize, Deserialize)]
/// #[projection(events(OrderEvent), key = CustomerId, default)]
/// pub struct CustomerOrders {
///     orders: u32,
/// }
///
/// #[handlers]
/// impl CustomerOrders {
///     #[event_handler(key = event.customer_id)]
///     fn on_placed(&mut self, _: &OrderPlaced) {
///         self.orders += 1;
///     }
///
///     #[event_handler(keys = shared.customers.iter().cloned())]
///     fn on_shared(&mut self, shared: &OrderShared) {
///         self.orders += 1;
///     }
/// }
/// ```
///
/// The expression sees the event: under the name `event`, whatever the handler calls it, and under the handler's own
/// name or pattern for it. It does not see `self`, nor the metadata, as the document is found first. A plain field is
/// cloned; anything else yields a value of the key's type, or an iterator of such values.
#[proc_macro_attribute]
pub fn event_handler(options: TokenStream, item: TokenStream) -> TokenStream {
    handlers::outside("event_handler", &options.into(), item.into()).into()
}
