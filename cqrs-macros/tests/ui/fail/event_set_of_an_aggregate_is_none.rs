//! An aggregate names an event set.

use cqrs_core::prelude::*;

struct NoSet;

#[derive(Aggregate, Default)]
#[aggregate(event = NoSet, default)]
struct Order;

fn main() {}
