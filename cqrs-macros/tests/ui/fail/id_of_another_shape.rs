//! An id holds one value.

use cqrs_core::prelude::*;

#[derive(Id)]
struct Named {
    id: String,
}

#[derive(Id)]
struct Pair(String, String);

#[derive(Id)]
enum Variants {
    One(String),
}

#[derive(Id)]
struct Float(f64);

#[derive(Id)]
struct Generic<T>(T);

#[derive(Id)]
struct Borrowed(&'static str);

fn main() {}
