//! The view store of the CQRS framework on MongoDB.
