//! Types with methods of their own that are called as the framework's.
#![allow(dead_code)]

use cqrs_core::prelude::*;

macro_rules! own_methods {
    ($($name:ident)*) => {
        $(
            impl $name {
                const NAME: u8 = 1;
                const TYPE: u8 = 1;
                const TYPES: u8 = 1;
                const FINGERPRINT: u8 = 1;
                const BY_STREAM: u8 = 1;
                const READS_METADATA: u8 = 1;
                const STREAM: u8 = 1;

                fn apply() {}
                fn handle() {}
                fn name() {}
                fn fold() {}
                fn decode() {}
                fn encode() {}
                fn route() {}
                fn initial() {}
                fn event_type() {}
                fn into_events() {}
                fn into_outcome() {}
                fn aggregate_id() {}
                fn from() {}
                fn clone() {}
                fn to_snapshot() {}
                fn index_values() {}
                fn feeds() {}
                fn belongs() {}
            }
        )*
    };
}

own_methods!(OrderPlaced OrderEvent Order PlaceOrder OrderSummary);

#[derive(Id)]
struct OrderId(Uuid);

#[derive(Serialize, Deserialize)]
struct OrderPlaced {
    order_id: OrderId,
}

#[derive(Event)]
#[event(stream = "order", id = OrderId)]
enum OrderEvent {
    Placed(OrderPlaced),
}

#[derive(Aggregate, Serialize, Deserialize)]
#[aggregate(event = OrderEvent, snapshot(every = 2))]
struct Order;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Order)]
struct PlaceOrder {
    #[command(id)]
    order_id: OrderId,
}

#[handlers]
impl Order {
    #[command_handler]
    fn place(command: PlaceOrder) -> OrderPlaced {
        OrderPlaced { order_id: command.order_id }
    }

    #[event_handler]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self
    }
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(OrderEvent), key = OrderId)]
struct OrderSummary {
    #[projection(index(accessor = by_name))]
    name: u8,
}

#[handlers]
impl OrderSummary {
    #[event_handler(key = event.order_id)]
    fn on_placed(_event: &OrderPlaced) -> Self {
        Self { name: Self::NAME }
    }
}

#[derive(Id)]
struct Tagged(Uuid);

/// Handlers themselves may be called so, too.
#[derive(Aggregate, Default)]
#[aggregate(event = TagEvent, default)]
struct Tag(u8);

#[derive(Serialize, Deserialize)]
struct TagSet;

#[derive(Event)]
#[event(stream = "tag", id = Tagged)]
enum TagEvent {
    Set(TagSet),
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Tag)]
struct SetTag {
    #[command(id)]
    id: Tagged,
}

#[handlers]
impl Tag {
    #[command_handler]
    fn handle(&self, _command: SetTag) -> TagSet {
        TagSet
    }

    #[event_handler]
    fn apply(&mut self, _event: &TagSet) {
        self.0 += 1;
    }
}

fn main() {}
