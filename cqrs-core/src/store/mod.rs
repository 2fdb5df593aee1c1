//! What a database has to offer: [`EventStore`] for the write side, [`ViewStore`] for the read side.
//!
//! Each trait is object-safe and speaks of serialised events and documents, so that an application chooses its
//! databases when it starts. The conformance suites of `cqrs-testkit` prove a store's promises.

mod append;
mod batch;
mod coordination;
mod dead_letter;
mod document;
mod error;
mod event;
mod find;
mod log;
mod partition;
mod past;
mod snapshot;
mod stream;
mod view;

use std::{future::Future, pin::Pin};

pub use append::{
    Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, NewEvent, RecordedCommand,
    Written,
};
pub use batch::{BatchError, BatchProjection};
pub(crate) use coordination::entry;
pub use coordination::{CoordinationStore, Entry};
pub use dead_letter::{DeadLetter, Reason, Sequence};
pub use document::{Change, Data, DataFormat, DocumentWrite, StoredDocument};
pub use error::Error;
pub use event::EventStore;
pub use find::{After, Comparison, Direction, Filter, Find, OrderBy};
pub use log::{EventFilter, LogPage, Selector};
pub use partition::Partition;
pub use past::Past;
pub use snapshot::{Snapshot, SnapshotStore};
pub use stream::{Load, Loaded, StreamRead};
pub use view::{
    Build, Checkpoint, Commit, CommitError, ProjectionId, ProjectionSpec, Read, Standing, ViewStore,
    commit_each,
};

/// What a store's methods return, so that stores can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
