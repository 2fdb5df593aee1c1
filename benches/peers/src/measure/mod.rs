//! Runs contenders in turn, round by round, each in a database of its own, and checks what they wrote.

mod commands;
mod loads;
mod plan;
mod projections;
mod sqlite;
mod turns;

pub(crate) use commands::{Figures, Reached, TASKS, commands};
pub(crate) use loads::{EVENTS, Loaded, loads};
pub(crate) use plan::Plans;
pub(crate) use projections::{Projected, projections};
pub(crate) use sqlite::{OnFile, SqliteProgram};
