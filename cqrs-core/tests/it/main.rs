//! The rules of execution, projections and queries, on stores that fail.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::unwrap_used)]
#![allow(clippy::wildcard_imports, reason = "the domain's names are the vocabulary of each test")]

mod domain;
mod execute;
mod faults;
mod idempotency;
mod metadata;
mod scene;
mod snapshots;
