use crate::{
    app::ExecuteError,
    domain::{Aggregate, Event, Fold, Model, State},
    envelope::{EventId, Json, Position, RecordedEvent, StreamId, Version},
    store::{EventStore, Load, Loaded, Past, RecordedCommand},
};

/// An aggregate at a version.
pub(super) struct Known<A> {
    pub(super) state: State<A>,
    pub(super) version: Version,
    /// The version of the newest snapshot that is known of.
    pub(super) snapshot: Version,
    /// Of the log, where it was a command of this process that has left it.
    pub(super) past: Past,
}

/// An aggregate as its store has it.
pub(super) struct Loading<A> {
    pub(super) known: Known<A>,
    /// The event at its version.
    pub(super) last: Option<EventId>,
    pub(super) head: Position,
    pub(super) command: Option<RecordedCommand>,
}

/// Hash of the aggregate's shape and of all that folds it.
pub(super) const fn fingerprint<A: Aggregate>() -> u64 {
    crate::__private::combine(<A as Model>::FINGERPRINT, <A::Event as Fold<A>>::FINGERPRINT)
}

pub(super) async fn load<A: Aggregate, E>(
    store: &dyn EventStore,
    stream: &StreamId,
    command: Option<crate::envelope::CommandId>,
) -> Result<Loading<A>, ExecuteError<E>> {
    let failed = |source| ExecuteError::Load { stream: stream.clone(), source };
    let wanted = A::SNAPSHOT_EVERY.map(|_| fingerprint::<A>());
    let mut loaded = store.load(Load { stream, snapshot: wanted, command }).await.map_err(failed)?;

    let mut start = None;
    if let Some(snapshot) = loaded.snapshot.take() {
        if let Some(state) = restore::<A>(&snapshot.data) {
            start = Some((state, snapshot.version, snapshot.last));
        } else {
            tracing::debug!(%stream, version = %snapshot.version, "a snapshot does not fit; reading the whole stream");
            loaded = store.load(Load { stream, snapshot: None, command }).await.map_err(failed)?;
        }
    }
    let Loaded { events, head, command, .. } = loaded;
    let (state, snapshot, last) = match start {
        Some((state, version, last)) => (State::Present(state), version, Some(last)),
        None => (State::Absent, Version::ZERO, None),
    };
    let last = events.last().map(|event| event.event_id).or(last);
    let (state, version) = fold(state, snapshot, &events, stream)?;
    Ok(Loading { known: Known { state, version, snapshot, past: Past::UNKNOWN }, last, head, command })
}

/// Reads a snapshot, if all that it says comes back when it is taken again: a type deep inside of the state that has
/// changed its shape since, in a way that serde puts up with, would give a state that no fold of the events gives.
fn restore<A: Aggregate>(data: &Json) -> Option<A> {
    let state = A::from_snapshot(data)?;
    let again = state.to_snapshot()?;
    let value = |json: &Json| json.parse::<serde_json::Value>().ok();
    (again == *data || value(&again)? == value(data)?).then_some(state)
}

/// Folds recorded events into a state that is at version `after`.
pub(super) fn fold<A: Aggregate, E>(
    mut state: State<A>,
    after: Version,
    events: &[RecordedEvent],
    stream: &StreamId,
) -> Result<(State<A>, Version), ExecuteError<E>> {
    let mut version = after;
    for recorded in events {
        if recorded.version != version.plus(1) {
            return Err(ExecuteError::Gap {
                stream: stream.clone(),
                after: version,
                found: recorded.version,
            });
        }
        version = recorded.version;
        let position = recorded.position;
        let event = <A::Event as Event>::decode(&recorded.name, recorded.schema_version, &recorded.data)
            .map_err(|source| ExecuteError::Decode { stream: stream.clone(), position, source })?;
        state = event.fold(state, &recorded.metadata).map_err(|source| ExecuteError::Fold {
            stream: stream.clone(),
            position,
            source,
        })?;
    }
    Ok((state, version))
}

/// A `default` model exists before its first event, and again after its removal.
pub(super) fn or_initial<A: Model>(state: State<A>) -> State<A> {
    match state {
        State::Present(state) => State::Present(state),
        missing => A::initial().map_or(missing, State::Present),
    }
}
