//! What the program that measures SQLite tells the one that runs it.

use serde::{Deserialize, Serialize};

use crate::Measured;

/// So many commands are under way at a time.
pub const SQLITE_TASKS: [usize; 3] = [1, 32, 128];

#[derive(Debug, Serialize, Deserialize)]
pub struct SqliteRun {
    /// The version of SQLite, the same for all.
    pub sqlite: String,
    pub contenders: Vec<OnSqlite>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct OnSqlite {
    pub name: String,
    /// For each number of [`SQLITE_TASKS`], the rounds.
    pub at: Vec<Vec<Measured>>,
}
