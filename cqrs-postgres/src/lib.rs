//! The event store and the view store of the CQRS framework on PostgreSQL.
