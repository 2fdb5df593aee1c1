//! Changes of Rust source as text: what is not changed stays as it was written.

pub(crate) mod attributes;
mod edits;
mod refusal;

pub(crate) use edits::Edits;
pub(crate) use refusal::NotUnderstood;
