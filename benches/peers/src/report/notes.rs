//! How each contender is set up, and what one has to know to judge its figures.

/// A name, or a list of them, and what there is to say.
pub(super) const NOTES: &[(&str, &str)] = &[
    (
        "limit a, b, c",
        "Bare SQL through tokio-postgres on a table with a position, a key and the data: an `INSERT` that commits by \
         itself; `BEGIN`, `SELECT`, `INSERT`, `COMMIT`; one connection that inserts by one statement, from arrays, \
         whatever is waiting. a and c load nothing and check nothing.",
    ),
    (
        "cqrs",
        "This framework with its defaults: the last 1,024 aggregates stay in memory, so that a command on one of them \
         reads nothing, and a new order is placed without a look whether it is there. It records more for each event than the others do: ids for correlation and causation. \
         **cqrs, uncached** keeps none, as the others do: each command but the first loads its order. Both have nine connections.",
    ),
    (
        "cqrs-es",
        "`postgres_cqrs`, without snapshots, which would cost two more statements a command. Loads with a snapshot use \
         `new_snapshot_store` with one each 100 events.",
    ),
    (
        "esrs",
        "`AggregateManager::load` and `handle_command`: optimistic, without its lock; event ids are UUIDv7. It has no \
         snapshots.",
    ),
    (
        "evento",
        "The quick start's write gateway on a projection with `snapshot(none)`; its subscription in chunks of 1,000, \
         acknowledged once a chunk; on SQLite a connection that writes and up to four that read, with a write-ahead log. \
         Events are stored in bitcode, which is smaller than JSON. A subscription stays a second behind the newest \
         events by default, so the backlog is an hour old.",
    ),
    (
        "disintegrate",
        "`DecisionMaker` with `NoSnapshot`, JSON, and a listener that is polled. Its serializable transactions fail one \
         another, and it reads up to the first append that is under way, so that a command may not see its order's own \
         last event; such commands are executed again. One function that 4.0.1 installs can't be read by PostgreSQL 15 \
         and older: there, the same function with a number in decimal.",
    ),
];

/// What holds for all peers.
pub(super) const ALL: &str = "Each peer has a pool with a connection for each task, at most 32, connected before the clock starts, and without \
     sqlx's ping before each use. Handlers of disintegrate and evento get one event at a time and upsert its row.";
