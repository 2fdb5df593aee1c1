//! An event set is an enum without generics.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
struct CartEvent;

#[derive(Event)]
#[event(stream = "basket", id = OrderId)]
enum BasketEvent<T> {
    Filled(T),
}

#[derive(Event)]
#[event(stream = "", id = OrderId)]
enum EmptyEvent {}

fn main() {}
