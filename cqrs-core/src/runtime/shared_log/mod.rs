//! One reader of the log for all projections of an application that are at about the same place in it.
//!
//! Whoever reads where others are, or soon come by, reads what all of them want, and keeps it for them in a *window*: the
//! most recent pages, up to 20,000 events or 16 MiB. The others find their page there. One that nobody is near reads by
//! itself, just what it wants, and nothing is kept. While an application starts, all that are about to read are waited for.
//!
//! What comes out of a window is what the log would have answered when the last page of it was read: that page was proved to go on
//! from all that is before it. So a log that was put back to an earlier state shows where the window ends, as it
//! shows to one who reads alone; then the window is given up, for all.

mod chain;
mod expected;
mod follower;
mod shared;
#[cfg(test)]
mod tests;
mod union;
mod window;

pub(super) use expected::Expected;
pub(super) use follower::{Answer, Follower};
pub(super) use shared::SharedLog;
