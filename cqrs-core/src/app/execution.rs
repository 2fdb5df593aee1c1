use std::{borrow::Cow, sync::Arc, time::Instant};

use super::{
    App, ExecuteError, Inner, Receipt,
    decide::{self, Known},
    execute::{EventOf, Outcome, Remember},
    snapshots,
};
use crate::{
    domain::{Aggregate, Command, Context, Event, Fold, Handle, HandleError, State},
    envelope::{EventId, Metadata, Position, Recorded, StreamId, Token, Version},
    metrics::{AppendEnd, Appends, CommandOutcome, Commands},
    store::{
        Append, AppendError, AppendOutcome, CommandRecord, Condition, Error, EventStore, NewEvent, Past,
        RecordedCommand,
    },
};

/// One command on its way through load, decide and append.
pub(super) struct Execution<'a, C: Command> {
    pub(super) app: &'a App,
    pub(super) services: &'a <C::Aggregate as Aggregate>::Services,
    pub(super) command: C,
    pub(super) at: Option<Version>,
    pub(super) remember: Option<Remember<C>>,
    pub(super) stream: StreamId,
    pub(super) metadata: Metadata,
    /// What the events of the command carry.
    pub(super) event_metadata: Metadata,
    pub(super) record: Option<CommandRecord>,
}

/// What one attempt led to.
enum Attempt<C: Command> {
    Done(Outcome<C>),
    Conflict {
        expected: Version,
        actual: Version,
    },
    /// The aggregate was kept in memory from a past that the log does not have any more.
    OtherPast,
}

impl<C: Command> Execution<'_, C> {
    /// Executes it, and measures how long that takes.
    pub(super) async fn run(&self) -> Outcome<C> {
        let started = Instant::now();
        let outcome = self.repeat().await;
        let label = match &outcome {
            Ok(receipt) if !receipt.repeated => CommandOutcome::Executed,
            Ok(_) | Err(ExecuteError::Remembered { .. }) => CommandOutcome::Repeated,
            Err(
                ExecuteError::Rejected(_)
                | ExecuteError::AlreadyExists { .. }
                | ExecuteError::NotFound { .. }
                | ExecuteError::CommandIdReused { .. },
            ) => CommandOutcome::Rejected,
            Err(ExecuteError::Conflict { .. }) => CommandOutcome::Conflict,
            Err(_) => CommandOutcome::Failed,
        };
        Commands::<C>::ended(label, started.elapsed());
        outcome
    }

    async fn repeat(&self) -> Outcome<C> {
        let retry = self.app.inner.retry;
        let mut pauses = retry.pauses();
        let mut attempts = 0;
        let mut turn = None;
        loop {
            match self.attempt(attempts == 0).await {
                Attempt::Done(outcome) => return outcome,
                Attempt::OtherPast => continue,
                Attempt::Conflict { expected, actual } => {
                    attempts += 1;
                    Commands::<C>::conflict();
                    if attempts >= retry.attempts {
                        return Err(ExecuteError::Conflict {
                            stream: self.stream.clone(),
                            expected,
                            actual,
                            attempts,
                        });
                    }
                }
            }
            if turn.is_none() {
                turn = self.app.inner.turns.wait(&self.stream).await;
            }
            let pause = pauses.next().unwrap_or(retry.longest_pause);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    async fn attempt(&self, first: bool) -> Attempt<C> {
        if let Some(hot) = self.app.inner.hot.take::<C::Aggregate>(&self.stream)
            && let Some(attempt) = self.attempt_on(hot).await
        {
            return attempt;
        }
        if first && let Some(attempt) = self.attempt_unseen().await {
            return attempt;
        }
        let command = self.record.as_ref().map(|record| record.id);
        let loading = match decide::load::<C::Aggregate, _>(&**self.store(), &self.stream, command).await {
            Ok(loading) => loading,
            Err(error) => return Attempt::Done(Err(error)),
        };
        if let Some(recorded) = &loading.command {
            return Attempt::Done(self.repeated(recorded));
        }
        let version = loading.known.version;
        if let Some(expected) = self.at.filter(|expected| *expected != version) {
            let (stream, actual) = (self.stream.clone(), version);
            let conflict = ExecuteError::Conflict { stream, expected, actual, attempts: 1 };
            return self.fail(conflict, version).await;
        }
        let Known { state, version, snapshot, past } = loading.known;
        let state = decide::or_initial(state);
        match self.decide(&state).await {
            Ok(events) => match self.fold(state, &events) {
                Ok(state) => {
                    self.append(events, Known { state, version, snapshot, past }, loading.head).await
                }
                Err(reason) => {
                    Attempt::Done(Err(ExecuteError::Unfoldable { stream: self.stream.clone(), reason }))
                }
            },
            Err(no) => {
                let stream = self.stream.clone();
                let error = match no {
                    HandleError::Rejected(rejection) => ExecuteError::Rejected(rejection),
                    HandleError::AlreadyExists => ExecuteError::AlreadyExists { stream },
                    HandleError::NotFound => ExecuteError::NotFound { stream },
                };
                self.fail(error, version).await
            }
        }
    }

    /// Decides on a state that was left by an earlier command, without a look at the store. The append proves that
    /// it is still the current one; where there is nothing to append, nothing is proven, and the stream has to be
    /// loaded.
    async fn attempt_on(&self, hot: Known<C::Aggregate>) -> Option<Attempt<C>> {
        if self.at.is_some_and(|expected| expected != hot.version) {
            return None;
        }
        let Known { state, version, snapshot, past } = hot;
        let state = decide::or_initial(state);
        match self.decide(&state).await {
            Ok(events) if !events.is_empty() => {
                let state = self.fold(state, &events).ok()?;
                Some(self.append(events, Known { state, version, snapshot, past }, Position::ZERO).await)
            }
            _ => None,
        }
    }

    /// Creates an aggregate without a look whether it is there. The append proves that it was not. Where it was, the aggregate
    /// has to be loaded, as it may have been removed; and so it has where the store refuses before it looks, for the command
    /// may be known, or the aggregate be there.
    async fn attempt_unseen(&self) -> Option<Attempt<C>> {
        if !<C::Aggregate as Handle<C>>::CREATES_UNSEEN {
            return None;
        }
        let (version, snapshot) = (Version::ZERO, Version::ZERO);
        let nothing = Known { state: State::Absent, version, snapshot, past: Past::UNKNOWN };
        match self.attempt_on(nothing).await {
            Some(Attempt::Conflict { .. }) => None,
            Some(Attempt::Done(Err(ExecuteError::Append { source, .. }))) if is_refused(&source) => None,
            attempt => attempt,
        }
    }

    async fn decide(
        &self,
        state: &State<C::Aggregate>,
    ) -> Result<Vec<EventOf<C>>, HandleError<<C::Aggregate as Handle<C>>::Error>> {
        let context = Context { metadata: &self.metadata, services: self.services };
        <C::Aggregate as Handle<C>>::handle(state.as_ref(), &self.command, context).await
    }

    /// Folds new events before they are appended: what the aggregate could not fold would make its stream unreadable
    /// for ever.
    fn fold(&self, state: State<C::Aggregate>, events: &[EventOf<C>]) -> Result<State<C::Aggregate>, String> {
        let metadata = &self.event_metadata;
        crate::runtime::guarded(|| events.iter().try_fold(state, |state, event| event.fold(state, metadata)))
    }

    fn store(&self) -> &Arc<dyn EventStore> {
        &self.app.inner.store
    }

    /// Appends to the version of `known`, whose state holds the events already.
    async fn append(
        &self,
        events: Vec<EventOf<C>>,
        known: Known<C::Aggregate>,
        head: Position,
    ) -> Attempt<C> {
        let version = known.version;
        let mut new = Vec::with_capacity(events.len());
        for event in &events {
            let data = match event.encode() {
                Ok(data) => data,
                Err(error) => return Attempt::Done(Err(error.into())),
            };
            let event_type = event.event_type();
            new.push(NewEvent {
                event_id: EventId::generate(),
                stream: self.stream.clone(),
                name: Cow::Borrowed(event_type.name),
                schema_version: event_type.version,
                data,
            });
        }
        if new.is_empty() && self.record.is_none() {
            return Attempt::Done(Ok(self.receipt(version, head, Vec::new(), false)));
        }
        let ids: Vec<EventId> = new.iter().map(|event| event.event_id).collect();
        let append = Append {
            conditions: vec![Condition::Version { stream: self.stream.clone(), expected: version }],
            past: known.past,
            events: new,
            metadata: self.event_metadata.clone(),
            command: self.record.clone(),
        };
        let appended = match self.send(append).await {
            Ok(AppendOutcome::Appended(appended)) => appended,
            Ok(AppendOutcome::Repeated(recorded)) => return Attempt::Done(self.repeated(&recorded)),
            Err(AppendError::Conflict { expected, actual, .. }) => {
                return Attempt::Conflict { expected, actual };
            }
            // It is out of memory, so the next attempt loads it.
            Err(AppendError::OtherPast) if known.past.is_known() => return Attempt::OtherPast,
            Err(source) => {
                return Attempt::Done(Err(ExecuteError::Append { stream: self.stream.clone(), source }));
            }
        };

        let after = appended.events.last().map_or(version, |written| written.version);
        self.keep(known, after, ids.last().copied(), appended.past);
        let recorded = events
            .into_iter()
            .zip(ids)
            .zip(&appended.events)
            .map(|((event, event_id), written)| Recorded {
                event_id,
                version: written.version,
                position: written.position,
                event,
            })
            .collect();
        Attempt::Done(Ok(self.receipt(after, appended.position, recorded, false)))
    }

    /// Appends, and measures how long that takes.
    async fn send(&self, append: Append) -> Result<AppendOutcome, AppendError> {
        let started = Instant::now();
        let outcome = self.store().append(append).await;
        let (label, events) = match &outcome {
            Ok(AppendOutcome::Appended(appended)) => (AppendEnd::Appended, appended.events.len()),
            Ok(AppendOutcome::Repeated(_)) => (AppendEnd::Repeated, 0),
            Err(AppendError::Conflict { .. }) => (AppendEnd::Conflict, 0),
            Err(_) => (AppendEnd::Failed, 0),
        };
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        Appends::<EventOf<C>>::ended(label, events, started.elapsed());
        outcome
    }

    /// Keeps the state after the command for the next one, and saves a snapshot if one is due. A state that was folded
    /// with the metadata of the events does not stay: it has seen the command's time, not the one of the log. `last` is the
    /// event at the version, where the command led to one.
    fn keep(&self, known: Known<C::Aggregate>, version: Version, last: Option<EventId>, past: Past) {
        let Inner { store, snapshots, hot, .. } = &*self.app.inner;
        let Known { state, mut snapshot, .. } = known;
        let due = snapshots::is_due::<C::Aggregate>(snapshot, version);
        if <EventOf<C> as Fold<C::Aggregate>>::READS_METADATA {
            if due {
                snapshots.save_stored::<C::Aggregate>(store, &self.stream);
            }
            return;
        }
        if due && last.is_some_and(|last| snapshots.save(store, &self.stream, version, last, &state)) {
            snapshot = version;
        }
        hot.put(&self.stream, Known { state, version, snapshot, past });
    }

    fn receipt(
        &self,
        version: Version,
        position: Position,
        events: Vec<Recorded<EventOf<C>>>,
        repeated: bool,
    ) -> Receipt<EventOf<C>> {
        Receipt {
            stream: self.stream.clone(),
            version,
            position,
            token: Token::new(self.store().log_id(), position),
            events,
            command_id: self.metadata.command_id,
            correlation_id: self.metadata.correlation_id,
            repeated,
        }
    }

    /// The receipt of the first time.
    fn repeated(&self, recorded: &RecordedCommand) -> Outcome<C> {
        let command_id = recorded.record.id;
        if self.record.as_ref().is_none_or(|record| record.fingerprint != recorded.record.fingerprint) {
            return Err(ExecuteError::CommandIdReused { command_id });
        }
        if let Some(answer) = &recorded.record.answer {
            return Err(ExecuteError::Remembered { command_id, answer: answer.clone() });
        }
        let mut events = Vec::with_capacity(recorded.events.len());
        for event in &recorded.events {
            let (stream, position) = (self.stream.clone(), event.position);
            let decoded =
                event.decode().map_err(|source| ExecuteError::Decode { stream, position, source })?;
            let (event_id, version) = (event.event_id, event.version);
            events.push(Recorded { event_id, version, position, event: decoded });
        }
        let mut receipt = self.receipt(recorded.version, recorded.position, events, true);
        if let Some(event) = recorded.events.first() {
            receipt.correlation_id = event.metadata.correlation_id;
        }
        Ok(receipt)
    }

    /// Remembers a failure, where that is asked for, as long as the state that said no is the current one.
    async fn fail(
        &self,
        error: ExecuteError<<C::Aggregate as Handle<C>>::Error>,
        version: Version,
    ) -> Attempt<C> {
        let (Some(record), Some(remember)) = (&self.record, &self.remember) else {
            return Attempt::Done(Err(error));
        };
        let Some(answer) = remember(&error) else { return Attempt::Done(Err(error)) };
        let append = Append {
            conditions: vec![Condition::Version { stream: self.stream.clone(), expected: version }],
            past: Past::UNKNOWN,
            events: Vec::new(),
            metadata: self.event_metadata.clone(),
            command: Some(CommandRecord { answer: Some(answer), ..record.clone() }),
        };
        match self.send(append).await {
            Ok(AppendOutcome::Appended(_)) => Attempt::Done(Err(error)),
            Ok(AppendOutcome::Repeated(recorded)) => Attempt::Done(self.repeated(&recorded)),
            Err(AppendError::Conflict { expected, actual, .. }) => Attempt::Conflict { expected, actual },
            Err(source) => Attempt::Done(Err(ExecuteError::Append { stream: self.stream.clone(), source })),
        }
    }
}

/// The append is none that the store takes, whatever is in the log.
const fn is_refused(error: &AppendError) -> bool {
    matches!(
        error,
        AppendError::TooLarge { .. }
            | AppendError::TooMany { .. }
            | AppendError::Store(Error::Invalid { .. })
    )
}
