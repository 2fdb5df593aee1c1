//! The rules of execution, projections and queries, on stores that fail.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::unwrap_used)]
#![allow(clippy::unused_self, reason = "whether a handler takes `self` says what it is for")]
#![allow(clippy::wildcard_imports, reason = "the domain's names are the vocabulary of each test")]

mod batch;
mod check;
mod creating;
mod divided;
mod domain;
mod execute;
mod faults;
mod flow;
mod handovers;
mod hot;
mod idempotency;
mod lag;
mod lag_monitor;
mod late_owners;
mod ledger;
mod lifecycle;
mod measured;
mod metadata;
mod operated;
mod operations;
mod owners;
mod pages;
mod partition_health;
mod partitions;
mod poison;
mod projections;
mod queries;
mod read_ahead;
mod rebuilds;
mod recent;
mod scene;
mod shared_log;
mod snapshots;
mod switches;
mod verify;
mod watch;
