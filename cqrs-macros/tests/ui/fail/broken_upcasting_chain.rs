//! Each older schema version has its place.

#[path = "../shop.rs"]
mod shop;

use cqrs_core::prelude::*;
use shop::*;

macro_rules! events {
    ($($name:ident)*) => {
        $(
            #[derive(Serialize, Deserialize)]
            struct $name;
        )*
    };
}

events!(Old Hole Gap Newest Twice Reversed Unversioned Negative Zero Later);

#[derive(Event)]
#[event(stream = "cart", id = OrderId)]
enum CartEvent {
    #[event(version = 3, from(2 = Old))]
    Hole(Hole),
    #[event(version = 4, from(1 = Old, 3 = Old))]
    Gap(Gap),
    #[event(version = 3)]
    Newest(Newest),
    #[event(version = 3, from(1 = Old, 1 = Old, 2 = Old))]
    Twice(Twice),
    #[event(version = 4, from(1 = Old, 3 = Old, 2 = Old))]
    Reversed(Reversed),
    #[event(from(1 = Old, 2 = Old))]
    Unversioned(Unversioned),
    #[event(version = 2, from(1 = Old, 2 = Old))]
    Later(Later),
}

fn main() {}
