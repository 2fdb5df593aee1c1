use std::fmt;

use tokio::sync::watch;

use super::{
    Append, AppendError, AppendOutcome, BoxFuture, Error, EventFilter, Load, Loaded, LogPage,
    RecordedCommand, SnapshotStore, StreamRead,
};
use crate::envelope::{CommandId, LogId, Position, RecordedEvent, StreamId};

/// The write store: an append-only log of events.
///
/// Its promises, each one a rule of the conformance suite in `cqrs-testkit`:
///
/// 1. An append is atomic, over one stream or several.
/// 2. Of racing appends on one expected version just one wins; the others learn expected and actual version.
/// 3. A reader that has seen position *p* never later finds a new event at or before *p*.
/// 4. Positions are consecutive, from 1; a failed append leaves no hole.
/// 5. What was acknowledged survives the death of the program (a store on disk: and of the machine).
/// 6. An append with a known command id adds nothing, and answers with what happened the first time.
/// 7. Events are never changed nor removed, and the database itself refuses it.
/// 8. The log has an identity, which is the same for as long as it exists.
/// 9. Bad input gets an error that names it, and leaves the other appends alone.
///
/// Dropping a future of any method leaves the log valid: an append happens whole or not at all.
pub trait EventStore: SnapshotStore + fmt::Debug {
    /// The identity of the log.
    fn log_id(&self) -> LogId;

    /// Appends events, or finds that the command is known.
    ///
    /// An unknown command id is recorded together with the events. A known one wins over every condition.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, AppendError>>;

    /// Loads a stream, with what else deciding a command needs.
    fn load<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Loaded, Error>>;

    /// Reads at most `limit` events of a stream.
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        read: StreamRead,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, Error>>;

    /// Reads at most `limit` events of the log that come after a position and that the filter picks.
    ///
    /// Fewer events than `limit` mean that [`LogPage::through`] is the head of the log as of this read.
    fn read_log<'a>(
        &'a self,
        after: Position,
        filter: &'a EventFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<LogPage, Error>>;

    /// The position of the last event.
    fn head(&self) -> BoxFuture<'_, Result<Position, Error>>;

    /// Looks up a command.
    fn command(&self, id: CommandId) -> BoxFuture<'_, Result<Option<RecordedCommand>, Error>>;

    /// Tells of new events: the value is a head of the log, updated soon after each append, by whichever process.
    /// A hint to read again; [`read_log`](Self::read_log) has the truth.
    fn watch(&self) -> watch::Receiver<Position>;
}
