use std::{fmt, future::IntoFuture, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::Timestamp;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{App, ExecuteError, Receipt, execution::Execution};
use crate::{
    domain::{Aggregate, Command, Event, Handle, ServedBy},
    envelope::{CommandId, Metadata, RecordedEvent, StreamId, TraceContext, Version},
    store::{BoxFuture, CommandRecord},
};

/// What happens when a command meets a conflict: it is loaded and decided again, after a short random pause. Commands
/// of one application that have met a conflict on one aggregate take turns.
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

    pub(super) fn pauses(self) -> impl Iterator<Item = Duration> + Send {
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
        C::Aggregate: ServedBy<S>,
    {
        Execute {
            app: self.app,
            services: <C::Aggregate as ServedBy<S>>::services(self.services),
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
        C::Aggregate: ServedBy<S>,
    {
        self.execute(command).at(version)
    }
}

pub(super) type Remember<C> = Box<
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
    ///
    /// The text is what the caller is to be told again, so take it from the rejection, not from the error around it:
    ///
    /// ```
    /// # use cqrs_core::{app::{Execute, ExecuteError}, prelude::*};
    /// # fn f<C: Command>(execute: Execute<'_, C>) {
    /// # let _ =
    /// execute.remember(|error| match error {
    ///     ExecuteError::Rejected(rejection) => Some(rejection.to_string()),
    ///     ExecuteError::NotFound { .. } => Some("not found".to_owned()),
    ///     _ => None,
    /// });
    /// # }
    /// ```
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

pub(super) type EventOf<C> = <<C as Command>::Aggregate as Aggregate>::Event;
pub(super) type Outcome<C> =
    Result<Receipt<EventOf<C>>, ExecuteError<<<C as Command>::Aggregate as Handle<C>>::Error>>;

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
            let event_metadata = metadata.for_events();
            let Self { app, services, command, at, remember, .. } = self;
            let execution =
                Execution { app, services, command, at, remember, stream, metadata, event_metadata, record };
            execution.run().instrument(span).await
        })
    }
}
