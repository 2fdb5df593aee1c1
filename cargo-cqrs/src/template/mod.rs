//! The template of new projects: the demo's own source, as it was when this program was built.
//!
//! Rust is cut by its own `cfg`s ([`rust`]), other text by lines that begin with `#%` ([`text`]), manifests as TOML
//! ([`manifest`]); then all of it is renamed ([`rename`]).

mod embedded;
pub(crate) mod manifest;
mod predicate;
pub(crate) mod rename;
pub(crate) mod rust;
pub(crate) mod text;

pub(crate) use embedded::{CHECKOUT, DEMO, workspace};
