//! Options inside of attributes, such as `stream = "order"`. The one place that reads them.

mod grammar;
mod key;
mod nearest;

pub(crate) use grammar::{Grammar, Known, default_crate};
pub(crate) use key::Key;
