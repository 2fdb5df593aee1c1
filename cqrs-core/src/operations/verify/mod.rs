//! Compares the documents of a projection with a fold from scratch, while the projection goes on.

mod compare;
mod digest;
mod fold;
mod report;
mod scope;
mod work;

pub use digest::Digest;
pub use report::{Difference, Mismatch, Verification, VerifyError};
pub use scope::Verify;
pub(crate) use work::verify;
