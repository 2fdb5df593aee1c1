//! Documents on their way into a read store.
//!
//! A store that has types of its own, such as dates, takes a document as a [`Value`]; one that keeps text takes JSON.

mod date_time;
mod key;
mod serializer;
mod value;

pub use date_time::{DateTime, DateTimeError};
pub use value::Value;
