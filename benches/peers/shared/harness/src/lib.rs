//! What every contender is measured with: the workload, the clock and the figures.
//!
//! An order gets [`COMMANDS`] commands, one that places it and then one for each further line. Each loads the events
//! that are there and appends one, whose payload is a [`Line`].

mod clock;
mod contender;
mod figures;
mod order;
mod sqlite;

pub use clock::{Measured, Plan, measure};
pub use contender::{Contender, Failure, Layout, Loads, Projects};
pub use figures::{grouped, median, millis, per_second, percentile, shortened};
pub use order::{COMMANDS, Line, OutOfOrder, Totals};
pub use sqlite::{OnSqlite, SQLITE_TASKS, SqliteRun};
