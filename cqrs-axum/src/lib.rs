#![doc = include_str!("../README.md")]

pub mod body;
mod code;
mod commands;
mod conditions;
mod consistency;
pub mod duration;
pub mod fallback;
mod header;
mod live;
mod path;
mod problem;
mod queries;
mod query_error;
mod wish;

pub use code::Code;
pub use commands::{Commands, Refusal, never};
#[cfg(feature = "utoipa")]
pub use conditions::ConditionParams;
pub use conditions::Conditions;
pub use consistency::{Consistency, TOKEN};
pub use live::{LiveStreams, RETRY};
pub use path::PathId;
pub use problem::{MEDIA_TYPE, Problem, ProblemBody, respond};
pub use queries::Queries;
#[cfg(feature = "utoipa")]
pub use wish::WishParams;
pub use wish::{LAST_EVENT_ID, Wish};
