//! What is measured: one contender a file, each at the setting that its own documentation has for its best.

mod cqrs_es;
mod disintegrate;
mod esrs;
mod evento;
mod limit;
mod ours;
mod pool;

pub(crate) use cqrs_es::{CqrsEs, CqrsEsLoads};
pub(crate) use disintegrate::{Disintegrate, DisintegrateLoads, DisintegrateProjects};
pub(crate) use esrs::{Esrs, EsrsLoads};
pub(crate) use evento::{Evento, EventoLoads, EventoProjects};
pub(crate) use limit::{BareInsert, BareLoad, BulkUpsert, Grouped, Transaction};
pub(crate) use ours::{Cached, OursLoads, OursProjects, Uncached};

/// The framework as it is by default: 1,024 aggregates are kept in memory.
pub(crate) const CACHED: &str = "cqrs";
/// The framework with none in memory: each command loads its aggregate.
pub(crate) const UNCACHED: &str = "cqrs, uncached";

/// The table that peers project into.
const SUMMARY: &str = "CREATE TABLE order_summary (
    order_id text PRIMARY KEY, customer text NOT NULL, lines bigint NOT NULL, cents bigint NOT NULL,
    last_sku text NOT NULL)";

/// Adds one line to the row of its order.
const UPSERT: &str = "
    INSERT INTO order_summary (order_id, customer, lines, cents, last_sku) VALUES ($1, $2, 1, $3, $4)
    ON CONFLICT (order_id) DO UPDATE SET
        lines = order_summary.lines + 1,
        cents = order_summary.cents + excluded.cents,
        last_sku = excluded.last_sku";

/// Counts the rows of that table, and the lines in them.
const SUMMARIES: &str = "SELECT count(*), sum(lines)::bigint FROM order_summary";
