//! All that a domain's code names: `use cqrs_core::prelude::*;`

pub use crate::{
    domain::{
        Aggregate, Command, Event, Id, IdError, Projection,
    },
    envelope::Metadata,
};
#[cfg(feature = "macros")]
pub use cqrs_macros::{Aggregate, Command, Event, Id, Projection, command_handler, event_handler, handlers};
pub use serde::{Deserialize, Serialize};
pub use uuid::Uuid;
