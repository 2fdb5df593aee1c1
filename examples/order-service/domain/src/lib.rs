//! The write side of the order service: the [aggregate](Order), the commands that it decides, and why it rejects
//! them.

#[allow(missing_docs, reason = "the names of fields, variants and errors say it all")]
mod order;
mod values;

pub use order::{AlreadyCancelled, CancelOrder, ConfirmOrder, ConfirmOrderError, Order, PlaceOrder};
pub use values::{InvalidLines, InvalidReason, Lines, Reason};
