//! What `cargo cqrs add` adds.
