//! A TCP proxy between a service and its database, which does what networks do at their worst: it cuts connections,
//! closes them half, delays what they carry, or lets it vanish.
//!
//! It understands as much of the databases' protocols as it takes to recognise a request that matters and its answer,
//! and can hold either of them: a [failpoint](Failpoint) on the wire, for which the program under test needs no code.

mod failpoint;
mod framing;
mod link;
mod listener;
mod marks;
mod mongo;
mod network;
mod postgres;

pub(crate) use failpoint::Failpoint;
pub(crate) use listener::{Protocol, Proxy};
pub(crate) use network::{Condition, Cut, Side};

mod tests;
