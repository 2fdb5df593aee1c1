//! The read side of the order service: what its queries answer from.

mod customer_summary;
mod order_summary;
mod sum;

pub use customer_summary::CustomerSummary;
pub use order_summary::OrderSummary;
pub use sum::Sum;
