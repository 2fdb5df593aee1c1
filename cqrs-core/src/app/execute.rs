use std::{borrow::Cow, fmt, future::IntoFuture, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{App, ExecuteError, Receipt, decide};
use crate::{
    domain::{Aggregate, Command, Context, Event, Handle, HandleError, State},
    envelope::{
        CommandId, EventId, Metadata, Position, Recorded, RecordedEvent, StreamId, Token, TraceContext,
        Version,
    },
    store::{
        Append, AppendError, AppendOutcome, BoxFuture, CommandRecord, Condition, EventStore, NewEvent,
        RecordedCommand,
    },
};

/// What happens when a command meets a conflict: it is loaded and decided again, after a short random pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a command is decided at the most. Default: 20.
    pub attempts: u32,
    /// The longest pause. Pauses start at 1 ms and double, with jitter; the first attempt after a conflict comes at
    /// once. Default: 50 ms.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 20, longest_pause: Duration::from_millis(50) }
    }
}

impl RetryPolicy {
    /// This many attempts, at least one.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// Pauses of up to this length.
    #[must_use]
    pub const fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    fn pauses(self) -> impl Iterator<Item = Duration> + Send {
        // Jitter adds up to the pause itself.
        let longest = self.longest_pause / 2;
        std::iter::once(Duration::ZERO).chain(
            ExponentialBuilder::new()
                .with_min_delay(Duration::from_millis(1).min(longest))
                .with_max_delay(longest)
                .with_jitter()
                .without_max_times()
                .build(),
        )
    }
}

/// An [`App`] together with the services that command handlers may ask for.
#[derive(Debug)]
pub struct WithServices<'a, S> {
    pub(super) app: &'a App,
    pub(super) services: &'a S,
}

impl<'a, S> WithServices<'a, S> {
    /// As [`App::execute`].
    pub fn execute<C: Command>(&self, command: C) -> Execute<'a, C>
    where
        C::Aggregate: Aggregate<Services = S>,
    {
        Execute {
            app: self.app,
            services: self.services,
            command,
            id: None,
            at: None,
            caused_by: None,
            actor: None,
            tenant: None,
            trace: None,
            correlation_id: None,
            headers: Vec::new(),
            remember: None,
        }
    }

    /// As [`App::execute_at`].
    pub fn execute_at<C: Command>(&self, version: Version, command: C) -> Execute<'a, C>
    where
        C::Aggregate: Aggregate<Services = S>,
    {
        self.execute(command).at(version)
    }
}

type Remember<C> = Box<
    dyn Fn(&ExecuteError<<<C as Command>::Aggregate as Handle<C>>::Error>) -> Option<String> + Send + Sync,
>;

/// A command about to be executed; await it.
#[must_use = "a command does nothing until it is awaited"]
pub struct Execute<'a, C: Command> {
    app: &'a App,
    services: &'a <C::Aggregate as Aggregate>::Services,
    command: C,
    id: Option<CommandId>,
    at: Option<Version>,
    caused_by: Option<Box<RecordedEvent>>,
    actor: Option<String>,
    tenant: Option<String>,
    trace: Option<TraceContext>,
    correlation_id: Option<Uuid>,
    headers: Vec<(String, String)>,
    remember: Option<Remember<C>>,
}

impl<C: Command> Execute<'_, C> {
    /// Makes the command idempotent: with an id that the log knows, nothing happens, and the first receipt comes
    /// back, also after a restart and where two race. The same id with another command is
    /// [`ExecuteError::CommandIdReused`].
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// Only if the aggregate is at this version, else [`ExecuteError::Conflict`]; it is never decided on another one.
    pub fn at(mut self, version: Version) -> Self {
        self.at = Some(version);
        self
    }

    /// The event that this command follows: correlation, actor, tenant and trace are taken from it.
    pub fn caused_by(mut self, event: &RecordedEvent) -> Self {
        self.caused_by = Some(Box::new(event.clone()));
        self
    }

    /// Who asks.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// On whose behalf.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The trace that this belongs to.
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The correlation that the command's events go on with; without it the command's id.
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Anything else that the events should carry.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Remembers failures too, for a command with an [id](Self::id): where `answer` returns a text for an error,
    /// the log keeps it with the command's id, and the same command fails with
    /// [`ExecuteError::Remembered`] from then on. It is asked for what the domain and the state of the aggregate
    /// say no to, not for stores that are away.
    pub fn remember(
        mut self,
        answer: impl Fn(&ExecuteError<<C::Aggregate as Handle<C>>::Error>) -> Option<String>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.remember = Some(Box::new(answer));
        self
    }

    fn metadata(&mut self) -> Metadata {
        let id = self.id.unwrap_or_else(CommandId::generate);
        let time = Timestamp::now();
        let mut metadata = match self.caused_by.take() {
            Some(event) => Metadata::caused_by(&event, id, time),
            None => Metadata::of_command(id, time),
        };
        metadata.correlation_id = self.correlation_id.take().unwrap_or(metadata.correlation_id);
        metadata.actor = self.actor.take().or(metadata.actor);
        metadata.tenant = self.tenant.take().or(metadata.tenant);
        metadata.trace = self.trace.take().or(metadata.trace);
        metadata.headers.extend(self.headers.drain(..));
        metadata
    }

    /// Tells this command from another that comes with the same id.
    fn fingerprint(&self, stream: &StreamId) -> Result<Uuid, serde_json::Error> {
        let command =
            serde_json::to_string(&(C::NAME, stream.category(), stream.id(), self.at, &self.command))?;
        // The fields of a hash map come in another order each time; here they are sorted.
        let mut sorted: serde_json::Value = serde_json::from_str(&command)?;
        sorted.sort_all_objects();
        Ok(Uuid::new_v5(&Uuid::NAMESPACE_OID, sorted.to_string().as_bytes()))
    }
}

impl<C: Command> fmt::Debug for Execute<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execute").field("command", &C::NAME).field("id", &self.id).finish_non_exhaustive()
    }
}

type EventOf<C> = <<C as Command>::Aggregate as Aggregate>::Event;
type Outcome<C> = Result<Receipt<EventOf<C>>, ExecuteError<<<C as Command>::Aggregate as Handle<C>>::Error>>;

impl<'a, C: Command> IntoFuture for Execute<'a, C> {
    type Output = Outcome<C>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let id = self.command.aggregate_id().to_string();
            let stream = StreamId::new(<EventOf<C> as Event>::STREAM, id)?;
            let span = tracing::debug_span!("execute", command = C::NAME, %stream);
            let metadata = self.metadata();
            let record = match self.id {
                Some(id) => {
                    let fingerprint = self.fingerprint(&stream).map_err(ExecuteError::Command)?;
                    Some(CommandRecord { id, fingerprint, stream: stream.clone(), answer: None })
                }
                None => None,
            };
            Execution { execute: &self, stream, metadata, record }.run().instrument(span).await
        })
    }
}

/// One command on its way through load, decide and append.
struct Execution<'e, 'a, C: Command> {
    execute: &'e Execute<'a, C>,
    stream: StreamId,
    metadata: Metadata,
    record: Option<CommandRecord>,
}

/// What one attempt led to.
enum Attempt<C: Command> {
    Done(Outcome<C>),
    Conflict { expected: Version, actual: Version },
}

impl<C: Command> Execution<'_, '_, C> {
    async fn run(&self) -> Outcome<C> {
        let retry = self.execute.app.inner.retry;
        let mut pauses = retry.pauses();
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt().await {
                Attempt::Done(outcome) => return outcome,
                Attempt::Conflict { expected, actual } => {
                    metrics::counter!("cqrs_conflicts_total", "category" => <EventOf<C> as Event>::STREAM)
                        .increment(1);
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
            let pause = pauses.next().unwrap_or(retry.longest_pause);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    async fn attempt(&self) -> Attempt<C> {
        let command = self.record.as_ref().map(|record| record.id);
        let loading = match decide::load::<C::Aggregate, _>(&**self.store(), &self.stream, command).await {
            Ok(loading) => loading,
            Err(error) => return Attempt::Done(Err(error)),
        };
        if let Some(recorded) = &loading.command {
            return Attempt::Done(self.repeated(recorded));
        }
        let (version, head) = (loading.version, loading.head);
        if let Some(expected) = self.execute.at.filter(|expected| *expected != version) {
            let (stream, actual) = (self.stream.clone(), version);
            let conflict = ExecuteError::Conflict { stream, expected, actual, attempts: 1 };
            return self.fail(conflict, version).await;
        }

        let state = decide::or_initial(loading.state);
        let context = Context { metadata: &self.metadata, services: self.execute.services };
        let decided =
            <C::Aggregate as Handle<C>>::handle(state.as_ref(), &self.execute.command, context).await;
        let events = match decided {
            Ok(events) => events,
            Err(no) => {
                let stream = self.stream.clone();
                let error = match no {
                    HandleError::Rejected(rejection) => ExecuteError::Rejected(rejection),
                    HandleError::AlreadyExists => ExecuteError::AlreadyExists { stream },
                    HandleError::NotFound => ExecuteError::NotFound { stream },
                };
                return self.fail(error, version).await;
            }
        };
        self.append(events, state, version, loading.snapshot, head).await
    }

    fn store(&self) -> &Arc<dyn EventStore> {
        &self.execute.app.inner.store
    }

    async fn append(
        &self,
        events: Vec<EventOf<C>>,
        state: State<C::Aggregate>,
        version: Version,
        snapshot: Version,
        head: Position,
    ) -> Attempt<C> {
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
        let metadata = self.metadata.for_events();
        let append = Append {
            conditions: vec![Condition::Version { stream: self.stream.clone(), expected: version }],
            events: new,
            metadata: metadata.clone(),
            command: self.record.clone(),
        };
        let appended = match self.store().append(append).await {
            Ok(AppendOutcome::Appended(appended)) => appended,
            Ok(AppendOutcome::Repeated(recorded)) => return Attempt::Done(self.repeated(&recorded)),
            Err(AppendError::Conflict { expected, actual, .. }) => {
                return Attempt::Conflict { expected, actual };
            }
            Err(source) => {
                return Attempt::Done(Err(ExecuteError::Append { stream: self.stream.clone(), source }));
            }
        };

        let after = appended.events.last().map_or(version, |written| written.version);
        self.execute.app.inner.snapshots.save_if_due(self.store(), &self.stream, snapshot, after, || {
            let metadata = Metadata { time: appended.time, ..metadata };
            events
                .iter()
                .try_fold(state, |state, event| crate::domain::Fold::fold(event, state, &metadata).ok())
        });
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
        let (Some(record), Some(remember)) = (&self.record, &self.execute.remember) else {
            return Attempt::Done(Err(error));
        };
        let Some(answer) = remember(&error) else { return Attempt::Done(Err(error)) };
        let append = Append {
            conditions: vec![Condition::Version { stream: self.stream.clone(), expected: version }],
            events: Vec::new(),
            metadata: self.metadata.for_events(),
            command: Some(CommandRecord { answer: Some(answer), ..record.clone() }),
        };
        match self.store().append(append).await {
            Ok(AppendOutcome::Appended(_)) => Attempt::Done(Err(error)),
            Ok(AppendOutcome::Repeated(recorded)) => Attempt::Done(self.repeated(&recorded)),
            Err(AppendError::Conflict { expected, actual, .. }) => Attempt::Conflict { expected, actual },
            Err(source) => Attempt::Done(Err(ExecuteError::Append { stream: self.stream.clone(), source })),
        }
    }
}
