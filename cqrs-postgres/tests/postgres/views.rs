//! Views on PostgreSQL.

mod conformance;
mod faults;
mod names;
mod order;
mod plans;
mod pooled;
mod preparing;
mod rights;
mod sample;
mod unfit;
mod watching;
