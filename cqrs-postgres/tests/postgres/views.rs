//! Views on PostgreSQL.

mod conformance;
mod counting;
mod faults;
mod names;
mod order;
mod plans;
mod pooled;
mod preparing;
mod removing;
mod rights;
mod sample;
mod unfit;
mod watching;
