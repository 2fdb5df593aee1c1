//! What a network does to connections.

use std::time::Duration;

/// What happens to all that is on the way, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It arrives.
    Forward,
    /// It arrives that much later, in either direction.
    Delay(Duration),
    /// It does not arrive before the condition changes. Nobody is told; connections stay open.
    BlackHole,
    /// New connections are refused; those that are there stay.
    Refuse,
}

/// How a connection is cut, at both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// In the orderly way: each end is told that nothing more comes.
    Finish,
    /// Each end is told that the connection is broken.
    Reset,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The service.
    Client,
    /// The database.
    Server,
}
