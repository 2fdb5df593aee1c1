//! Events on PostgreSQL.

mod conformance;
mod guards;
mod lone;
mod lost;
mod opening;
mod plans;
mod pooled;
mod processes;
mod put_back;
mod put_back_while_read;
mod queue;
mod sample;
mod unreachable;
mod watching;
