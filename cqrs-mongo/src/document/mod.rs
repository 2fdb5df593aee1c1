//! How documents are laid out in MongoDB.
//!
//! `{ _id: key, …the fields of the view…, _cqrs: { created, applied } }`; of a removed one a trace is left:
//! `{ _id: key, _cqrs: { applied, removed: { created } } }`. A view that is no map is kept in one field, which
//! `_cqrs.whole` names. The value of a declared index that the view does not show as a field of that name is put beside
//! its fields, and `_cqrs.added` lists it.

mod convert;
mod held;
mod layout;
mod read;

pub(crate) use convert::{integer, micros_of, moment_of, number};
pub(crate) use held::index_value;
pub(crate) use layout::{Layout, Row};
pub(crate) use read::{Wrong, key, stored};
