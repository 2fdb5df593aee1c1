//! Projections with hand-written SQL.

mod batch;
mod fault;
mod prepare;
mod projection;

pub use batch::HandWritten;
pub use projection::SqlProjection;
