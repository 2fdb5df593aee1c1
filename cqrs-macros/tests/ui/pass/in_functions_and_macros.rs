//! Private types, types in functions, and code from declarative macros.

fn main() {
    use cqrs_core::prelude::*;

    #[derive(Id)]
    struct OrderId(Uuid);

    #[derive(Serialize, Deserialize)]
    struct OrderPlaced {
        by: OrderId,
    }

    macro_rules! domain {
        ($set:ident, $payload:ty, $model:ident, $field:ident, $view:ty) => {
            #[derive(Event)]
            #[event(stream = "order", id = OrderId)]
            enum $set {
                Placed($payload),
            }

            #[derive(Aggregate)]
            #[aggregate(event = $set)]
            struct $model;

            #[handlers]
            impl $model {
                #[command_handler]
                fn place(command: PlaceOrder) -> ($payload, Option<$payload>) {
                    (OrderPlaced { by: command.order_id }, None)
                }

                #[event_handler]
                fn on_placed(_event: &$payload) -> Self {
                    Self
                }
            }

            #[handlers]
            impl OrderSummary {
                #[event_handler(key = event.$field)]
                fn on_placed(event: &$payload) -> Self {
                    let _ = event;
                    Self
                }
            }
        };
    }

    domain!(OrderEvent, OrderPlaced, Order, by, OrderSummary);

    #[derive(Command, Serialize, Deserialize)]
    #[command(aggregate = Order)]
    struct PlaceOrder {
        #[command(id)]
        order_id: OrderId,
    }

    #[derive(Projection, Serialize, Deserialize)]
    #[projection(events(OrderEvent), key = OrderId)]
    struct OrderSummary;
}
