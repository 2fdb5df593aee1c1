//! The service over HTTP: JSON everywhere, and every error a [problem](Problem).

#[cfg(feature = "command")]
mod body;
#[cfg(feature = "command")]
mod commands;
#[cfg(feature = "command")]
mod conditions;
#[cfg(any(feature = "command", feature = "query"))]
mod consistency;
mod duration;
mod health;
#[cfg(feature = "command")]
mod history;
mod metrics;
mod openapi;
mod page;
mod problem;
#[cfg(feature = "query")]
mod queries;
#[cfg(any(feature = "command", feature = "query"))]
mod request;
mod routes;

#[cfg(any(feature = "command", feature = "query"))]
use problem::order_not_found;

pub use openapi::description;
pub use page::has_page;
pub use problem::{Code, Problem};
pub use routes::{Route, router, routes};
