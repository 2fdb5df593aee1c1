//! The service over HTTP: JSON everywhere, and every error a [problem](cqrs_axum::Problem).

mod codes;
#[cfg(feature = "command")]
mod commands;
mod health;
#[cfg(feature = "command")]
mod history;
#[cfg(feature = "query")]
mod live;
mod metrics;
mod openapi;
mod page;
mod projection_health;
#[cfg(feature = "query")]
mod queries;
mod routes;

pub use codes::codes;
pub use openapi::description;
pub use page::has_page;
pub use routes::{Route, router, routes};
