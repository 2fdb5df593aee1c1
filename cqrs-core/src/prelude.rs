//! All that a domain's code names: `use cqrs_core::prelude::*;`

pub use crate::{
    app::{App, ExecuteError, Receipt},
    document::DateTime,
    domain::{Aggregate, Command, Event, Id, IdError, Projection},
    envelope::{CommandId, Metadata, Position, Token, Version},
    query::{Answer, LiveView, Page, QueryError, View, Views},
};
#[cfg(feature = "macros")]
pub use cqrs_macros::{Aggregate, Command, Event, Id, Projection, command_handler, event_handler, handlers};
pub use jiff::Timestamp;
pub use serde::{Deserialize, Serialize};
pub use uuid::Uuid;
