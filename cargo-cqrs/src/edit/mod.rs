//! Changes of Rust source as text: what is not changed stays as it was written.

pub(crate) mod attributes;
mod choices;
mod declare;
mod edits;
mod refusal;
mod register;

pub(crate) use choices::extend;
pub(crate) use declare::{declare, names, own, types};
pub(crate) use edits::Edits;
pub(crate) use refusal::NotUnderstood;
pub(crate) use register::register;
