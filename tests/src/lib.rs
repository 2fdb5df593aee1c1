//! What spans crates: end-to-end and fault tests, and the examples of the documentation.

pub mod shop;

/// The README's quickstart compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Each example on the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/consistency.md")]
struct Consistency;

/// Each example on the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/metrics.md")]
struct Metrics;

/// Each example on the page compiles, and those that run do what the page says.
#[cfg(doctest)]
#[doc = include_str!("../../docs/commands.md")]
struct Commands;

/// Each example on the page compiles, and those that run do what the page says.
#[cfg(doctest)]
#[doc = include_str!("../../docs/projections.md")]
struct Projections;

/// Each example on the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/postgresql.md")]
struct PostgreSql;

/// Each example on the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/mongodb.md")]
struct MongoDb;

/// Each example on the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/postgresql-and-mongodb.md")]
struct PostgreSqlAndMongoDb;
