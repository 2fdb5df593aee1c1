//! A module whose names are not those of the standard library.
#![allow(dead_code, unused_macros)]

mod std {}
mod core {}
mod alloc {}
mod serde_json {}
mod uuid {}
struct Result;
struct Option;
struct Vec;
struct String;
struct Box;
struct Ok;
struct Err;
struct Some;
struct None;
trait From {}
trait Into {}
trait Clone {}
trait Default {}
trait Send {}
trait Fn {}
trait Iterator {}
macro_rules! vec {
    () => {};
}
macro_rules! unreachable {
    () => {};
}

mod domain {
    use cqrs_core::prelude::{Deserialize, Serialize, Uuid, command_handler, event_handler, handlers};

    #[allow(unused_imports)]
    use super::*;

    #[derive(cqrs_core::Id)]
    pub struct OrderId(Uuid);

    #[derive(cqrs_core::Id)]
    pub struct CustomerId(::std::string::String);

    #[derive(cqrs_core::Id)]
    pub struct Number(u32);

    #[derive(Serialize, Deserialize)]
    pub struct OrderPlacedV1 {
        customer_id: CustomerId,
    }

    #[derive(Serialize, Deserialize)]
    pub struct OrderPlaced {
        customer_id: CustomerId,
    }

    impl ::std::convert::From<OrderPlacedV1> for OrderPlaced {
        fn from(old: OrderPlacedV1) -> Self {
            Self { customer_id: old.customer_id }
        }
    }

    #[derive(cqrs_core::Event)]
    #[event(stream = "order", id = OrderId)]
    pub enum OrderEvent {
        #[event(version = 2, from(1 = OrderPlacedV1))]
        Placed(OrderPlaced),
    }

    #[derive(cqrs_core::Aggregate, Serialize, Deserialize)]
    #[aggregate(event = OrderEvent, snapshot(every = 10))]
    pub struct Order;

    #[derive(cqrs_core::Command, Serialize, Deserialize)]
    #[command(aggregate = Order)]
    pub struct PlaceOrder {
        #[command(id)]
        order_id: OrderId,
        customer_id: CustomerId,
    }

    #[handlers]
    impl Order {
        #[command_handler]
        async fn place(command: PlaceOrder) -> ::std::result::Result<OrderPlaced, ::std::fmt::Error> {
            ::std::result::Result::Ok(OrderPlaced { customer_id: command.customer_id })
        }

        #[event_handler]
        fn on_placed(_event: &OrderPlaced) -> Self {
            Self
        }
    }

    #[derive(cqrs_core::Projection, Serialize, Deserialize)]
    #[projection(events(OrderPlaced), key = CustomerId, max_lag = "2s")]
    pub struct Customer {
        #[projection(index)]
        number: Number,
    }

    #[handlers]
    impl Customer {
        #[event_handler(key = event.customer_id)]
        fn on_placed(self, event: &OrderPlaced) -> ::std::option::Option<Self> {
            let _ = event;
            ::std::option::Option::Some(self)
        }
    }
}

fn main() {
    let _ = domain::OrderId::generate();
}
