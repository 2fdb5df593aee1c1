//! `order-service rebuild`: has a projection built anew, and shows how that gets on.
//!
//! It reaches the read store only: whichever process runs the projection does the work, and goes on with it when this one ends.

mod bar;
mod follow;

pub use follow::{RebuildError, rebuild};
