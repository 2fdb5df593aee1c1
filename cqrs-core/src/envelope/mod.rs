//! What surrounds an event: its place, its ids, its metadata.

mod ids;
mod json;
mod metadata;
mod place;
mod recorded;
mod stored_metadata;
mod token;

pub use ids::{CommandId, EventId, LogId};
pub use json::Json;
pub use metadata::{Metadata, TraceContext};
pub use place::{Position, StreamId, StreamIdError, Version};
pub use recorded::{Delivered, Recorded, RecordedEvent};
pub use token::{Token, TokenError};
