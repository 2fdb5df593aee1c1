mod commands;
mod domain;
mod loads;
mod projects;
mod store;

pub(crate) use commands::Disintegrate;
pub(crate) use loads::DisintegrateLoads;
pub(crate) use projects::DisintegrateProjects;

type Json = ::disintegrate::serde::json::Json<domain::OrderEvent>;
type Store = ::disintegrate_postgres::PgEventStore<domain::OrderEvent, Json>;
