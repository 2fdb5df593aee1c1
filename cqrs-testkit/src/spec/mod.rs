//! Given, when, then: tests of domain code that read like its rules, without stores.

mod aggregate;
mod blocking;
mod circumstances;
mod decision;
mod diff;
mod recording;
mod view;

pub use aggregate::Spec;
pub use decision::Decision;
pub use view::ViewSpec;
