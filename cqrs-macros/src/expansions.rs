//! What the macros write, to be read in review: the files in `snapshots/`.

use proc_macro2::TokenStream;
use quote::quote;

fn pretty(code: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(code).unwrap())
}

#[test]
fn an_event_set() {
    insta::assert_snapshot!(pretty(crate::event::derive(quote! {
        #[event(stream = "order", id = OrderId)]
        pub enum OrderEvent {
            Placed(OrderPlaced),
            #[event(name = "order_accepted", version = 3, from(1 = OrderConfirmedV1, 2 = OrderConfirmedV2))]
            Confirmed(OrderConfirmed),
        }
    })));
}

#[test]
fn an_aggregate() {
    insta::assert_snapshot!(pretty(crate::aggregate::derive(quote! {
        #[aggregate(event = OrderEvent, services = OrderServices, snapshot(every = 100))]
        pub struct Order {
            status: Status,
        }
    })));
}

#[test]
fn a_command() {
    insta::assert_snapshot!(pretty(crate::command::derive(quote! {
        #[command(aggregate = Order, crate = shop::engine)]
        pub struct PlaceOrder {
            #[command(id)]
            pub order_id: OrderId,
            pub lines: Vec<OrderLine>,
        }
    })));
}

#[test]
fn a_projection_with_a_key() {
    insta::assert_snapshot!(pretty(crate::projection::derive(quote! {
        #[projection(name = "summary", version = 2, events(OrderEvent, PaymentTaken), key = OrderId, max_lag = "2s")]
        pub struct OrderSummary {
            #[projection(index)]
            customer_id: CustomerId,
            total: Cents,
        }
    })));
}

#[test]
fn a_projection_of_one_stream() {
    insta::assert_snapshot!(pretty(crate::projection::derive(quote! {
        #[projection(events(OrderEvent), default)]
        struct OrderHistory;
    })));
}

#[test]
fn handlers_of_an_aggregate() {
    let block = quote! {
        impl Order {
            /// Places the order.
            #[command_handler]
            fn place(command: PlaceOrder) -> Result<OrderPlaced, PlaceOrderError> {
                Ok(OrderPlaced)
            }

            #[cfg(feature = "confirm")]
            #[command_handler]
            async fn confirm(&self, command: &ConfirmOrder, meta: &Metadata, services: &OrderServices) {}

            #[event_handler]
            fn on_placed(event: &OrderPlaced) -> Self {
                Self::default()
            }

            #[event_handler]
            fn on_confirmed(&mut self, event: &OrderConfirmed, meta: &Metadata) {}
        }
    };
    insta::assert_snapshot!(pretty(crate::handlers::expand(quote!(ignore(OrderArchived)), block)));
}

#[test]
fn handlers_of_a_projection() {
    let block = quote! {
        impl OrderSummary {
            #[event_handler(key = paid.order_id)]
            fn on_paid(&mut self, paid: &PaymentTaken) {}

            #[event_handler(keys = event.orders.keys().cloned())]
            fn on_refunded(self, _: &PaymentRefunded) -> Option<Self> {
                None
            }
        }
    };
    insta::assert_snapshot!(pretty(crate::handlers::expand(TokenStream::new(), block)));
}

#[test]
fn an_id() {
    insta::assert_snapshot!(pretty(crate::id::derive(quote! {
        #[id(validate = check)]
        pub struct CustomerId(String);
    })));
}

#[test]
fn after_a_mistake() {
    insta::assert_snapshot!(pretty(crate::command::derive(quote! {
        #[command(aggregate = Order)]
        pub struct PlaceOrder {
            pub order_id: OrderId,
        }
    })));
}
