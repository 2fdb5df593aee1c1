use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    ops::Range,
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    envelope::{CommandId, EventId, Position, RecordedEvent, StreamId, Version},
    store::{
        Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, EventFilter, Past,
        RecordedCommand, Snapshot, StreamRead, Written,
    },
};

/// What a [`MemoryEventStore`](super::MemoryEventStore) guards by one lock.
#[derive(Default)]
pub(super) struct Log {
    /// Each at the index that is its position less one.
    events: Vec<Arc<RecordedEvent>>,
    /// The indices of each stream's events.
    streams: HashMap<StreamId, Vec<usize>>,
    ids: HashSet<EventId>,
    commands: HashMap<CommandId, Command>,
    snapshots: HashMap<StreamId, Snapshot>,
    latest: Timestamp,
}

struct Command {
    record: CommandRecord,
    version: Version,
    position: Position,
    /// The indices of its events.
    events: Range<usize>,
}

fn index(position: Position) -> usize {
    usize::try_from(position.get()).unwrap_or(usize::MAX)
}

impl Log {
    pub(super) fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    pub(super) fn id_at(&self, position: Position) -> Option<EventId> {
        self.events.get(index(position).checked_sub(1)?).map(|event| event.event_id)
    }

    fn version(&self, stream: &StreamId) -> Version {
        self.streams.get(stream).map_or(Version::ZERO, |events| Version::new(events.len() as u64))
    }

    /// Checks all before it changes anything.
    pub(super) fn append(&mut self, append: Append) -> Result<AppendOutcome, AppendError> {
        if let Some(known) = append.command.as_ref().and_then(|command| self.command(command.id)) {
            return Ok(AppendOutcome::Repeated(Box::new(known)));
        }
        for Condition::Version { stream, expected } in &append.conditions {
            let actual = self.version(stream);
            if actual != *expected {
                return Err(AppendError::Conflict { stream: stream.clone(), expected: *expected, actual });
            }
        }
        self.claim_ids(&append)?;

        self.latest = now().max(self.latest);
        let first = self.events.len();
        let mut written = Vec::with_capacity(append.events.len());
        let mut metadata = append.metadata;
        metadata.time = self.latest;
        let metadata = Arc::new(metadata);
        for event in append.events {
            let position = self.head().plus(1);
            let (stream, indices) = match self.streams.entry(event.stream) {
                // The stream's own name, so that all its events share one.
                Entry::Occupied(known) => (known.key().clone(), known.into_mut()),
                Entry::Vacant(new) => (new.key().clone(), new.insert(Vec::new())),
            };
            indices.push(self.events.len());
            let version = Version::new(indices.len() as u64);
            written.push(Written { version, position });
            self.events.push(Arc::new(RecordedEvent {
                event_id: event.event_id,
                stream,
                version,
                position,
                name: event.name,
                schema_version: event.schema_version,
                data: event.data,
                metadata: Arc::clone(&metadata),
            }));
        }
        if let Some(record) = append.command {
            let command = Command {
                version: self.version(&record.stream),
                position: self.head(),
                events: first..self.events.len(),
                record,
            };
            self.commands.insert(command.record.id, command);
        }
        let (time, position) = (self.latest, self.head());
        Ok(AppendOutcome::Appended(Appended { events: written, time, position, past: Past::UNKNOWN }))
    }

    /// All or none.
    fn claim_ids(&mut self, append: &Append) -> Result<(), AppendError> {
        for (index, event) in append.events.iter().enumerate() {
            if !self.ids.insert(event.event_id) {
                for claimed in &append.events[..index] {
                    self.ids.remove(&claimed.event_id);
                }
                return Err(AppendError::DuplicateEventId { event_id: event.event_id });
            }
        }
        Ok(())
    }

    pub(super) fn read_stream(
        &self,
        stream: &StreamId,
        read: StreamRead,
        limit: usize,
    ) -> Vec<Arc<RecordedEvent>> {
        let indices = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let place =
            |version: Version| usize::try_from(version.get()).unwrap_or(usize::MAX).min(indices.len());
        let event = |index: &usize| Arc::clone(&self.events[*index]);
        match read {
            StreamRead::After(version) => indices[place(version)..].iter().take(limit).map(event).collect(),
            StreamRead::Before(before) => {
                let end = before
                    .map_or(indices.len(), |version| place(Version::new(version.get().saturating_sub(1))));
                indices[..end].iter().rev().take(limit).map(event).collect()
            }
        }
    }

    /// Looks at up to `stretch` events after `through`, moves it on, and returns the head.
    pub(super) fn read_log(
        &self,
        through: &mut Position,
        filter: &EventFilter,
        limit: usize,
        stretch: usize,
        picked: &mut Vec<Arc<RecordedEvent>>,
    ) -> Position {
        for event in self.events.iter().skip(index(*through)).take(stretch) {
            if picked.len() >= limit {
                break;
            }
            if filter.picks(event.stream.category(), &event.name) {
                picked.push(Arc::clone(event));
            }
            *through = event.position;
        }
        self.head()
    }

    pub(super) fn command(&self, id: CommandId) -> Option<RecordedCommand> {
        self.commands.get(&id).map(|command| RecordedCommand {
            record: command.record.clone(),
            version: command.version,
            position: command.position,
            events: self.events[command.events.clone()].iter().map(|event| (**event).clone()).collect(),
        })
    }

    pub(super) fn snapshot(&self, stream: &StreamId, shape: u64) -> Option<Snapshot> {
        self.snapshots.get(stream).filter(|kept| kept.fingerprint == shape).cloned()
    }

    /// The snapshot to load a stream from: one of another past is none.
    pub(super) fn snapshot_to_load(&self, stream: &StreamId, shape: u64) -> Option<Snapshot> {
        self.snapshot(stream, shape).filter(|kept| self.bears_out(kept))
    }

    /// The stream has the event that the snapshot was taken after.
    fn bears_out(&self, snapshot: &Snapshot) -> bool {
        let Some(place) = index(Position::new(snapshot.version.get())).checked_sub(1) else { return false };
        let last = self.streams.get(&snapshot.stream).and_then(|events| events.get(place));
        last.is_some_and(|last| self.events[*last].event_id == snapshot.last)
    }

    pub(super) fn save_snapshot(&mut self, snapshot: Snapshot) {
        let forced = self.bears_out(&snapshot)
            && self.snapshots.get(&snapshot.stream).is_some_and(|kept| !self.bears_out(kept));
        match self.snapshots.entry(snapshot.stream.clone()) {
            Entry::Occupied(kept)
                if !forced
                    && kept.get().fingerprint == snapshot.fingerprint
                    && kept.get().version >= snapshot.version => {}
            Entry::Occupied(mut kept) => {
                kept.insert(snapshot);
            }
            Entry::Vacant(free) => {
                free.insert(snapshot);
            }
        }
    }

    pub(super) fn drop_snapshots(&mut self, category: &str) {
        self.snapshots.retain(|stream, _| stream.category() != category);
    }
}

/// To the microsecond, as the databases keep it.
fn now() -> Timestamp {
    Timestamp::from_microsecond(Timestamp::now().as_microsecond()).expect("a microsecond of now is in range")
}
