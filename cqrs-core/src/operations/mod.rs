//! Operates projections while they run, from any process that reaches their read store.
//!
//! An [`Operator`] puts a [`Request`] into the read store; the application that runs the projection takes it, does what is
//! asked, and writes down what came of it. So who asked for what, when, and with which outcome stays on record, and it makes
//! no difference whether the asking program runs the projection itself, is another instance, or a tool at a desk.

mod error;
mod operator;
mod request;
mod verify;

pub use error::OperateError;
pub use operator::Operator;
pub use request::{Asked, Operation, Parked, Report, Request, RequestOutcome, StillFailing};
pub(crate) use request::{Paused, group, paused_group};
pub(crate) use verify::verify;
pub use verify::{Difference, Digest, Mismatch, Verification, Verify, VerifyError};
