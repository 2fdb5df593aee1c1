//! A check takes the value and says why it refuses it.

use cqrs_core::prelude::*;

fn checks_numbers(number: u64) -> bool {
    number > 0
}

#[derive(Id)]
#[id(validate = checks_numbers)]
struct CartId(u32);

fn main() {}
