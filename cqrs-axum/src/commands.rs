use std::{convert::Infallible, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cqrs_core::{
    app::{App, Execute, ExecuteError, Receipt},
    domain::{Aggregate, Command, Handle, NoServices, ServedBy},
    envelope::{CommandId, StreamId, Version},
    runtime::with_causes,
    store::{self, AppendError},
};
use serde::Deserialize;

use crate::{Code, Conditions, Problem, respond};

/// Executes commands for requests: with the [`Conditions`] of their headers, within a time, and with a [`Refusal`] where
/// there is no receipt. Cheap to clone; the state of a router.
#[derive(Clone, Debug)]
pub struct Commands {
    app: App,
    patience: Duration,
    not_found: Code,
    exists: Code,
}

impl Commands {
    /// How long a command may take where nothing else is said.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Executes commands in this application.
    pub const fn new(app: App) -> Self {
        Self {
            app,
            patience: Self::PATIENCE,
            not_found: Code::AGGREGATE_NOT_FOUND,
            exists: Code::AGGREGATE_EXISTS,
        }
    }

    /// How long a command may take. Default: 10 s. Past it the client is told that the write store is unavailable; whether
    /// the command was executed is not known then.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The kind of problem where a command's aggregate does not exist. Default: [`Code::AGGREGATE_NOT_FOUND`].
    #[must_use]
    pub const fn not_found(mut self, code: Code) -> Self {
        self.not_found = code;
        self
    }

    /// The kind of problem where what a command makes exists. Default: [`Code::AGGREGATE_EXISTS`].
    #[must_use]
    pub const fn exists(mut self, code: Code) -> Self {
        self.exists = code;
        self
    }

    /// The application.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Executes a command; `rejected` says what a client is told of the domain's own no. A handler without one has
    /// [`never()`].
    ///
    /// With an idempotency key it is done once: the same key with the same command has the same receipt again, or the same
    /// refusal, where the domain refused it. With a version it is done on that one alone.
    ///
    /// # Errors
    ///
    /// [`Refusal`], which a handler returns.
    pub async fn execute<C>(
        &self,
        command: C,
        conditions: Conditions,
        rejected: fn(&ErrorOf<C>) -> Problem,
    ) -> Result<ReceiptOf<C>, Refusal>
    where
        C: Command,
        C::Aggregate: ServedBy<NoServices>,
    {
        self.run(self.app.execute(command), conditions, rejected).await
    }

    /// As [`execute`](Self::execute), of a command to which more was said, such as its actor, or that comes with services:
    /// `commands.run(commands.app().with(&services).execute(command).actor("ada"), conditions, never)`.
    ///
    /// # Errors
    ///
    /// [`Refusal`], which a handler returns.
    pub async fn run<C>(
        &self,
        mut execute: Execute<'_, C>,
        conditions: Conditions,
        rejected: fn(&ErrorOf<C>) -> Problem,
    ) -> Result<ReceiptOf<C>, Refusal>
    where
        C: Command,
    {
        let Self { not_found, exists, .. } = *self;
        let told = Told { not_found, exists, rejected, of: conditions.clone() };
        if let Some(version) = conditions.version {
            execute = execute.at(version);
        }
        if let Some(key) = conditions.key {
            let told = Told { of: told.of.clone(), ..told };
            execute = execute
                .id(CommandId::from_key(&key))
                .remember(move |error| told.lasts(error).then(|| told.problem(error).text()));
        }
        match tokio::time::timeout(self.patience, execute).await {
            Ok(Ok(receipt)) => Ok(receipt),
            Ok(Err(ExecuteError::Remembered { answer, .. })) => Err(Refusal::Remembered(answer)),
            Ok(Err(error)) => Err(told.problem(&error).into()),
            Err(_) => {
                Err(unavailable(&format!("it did not answer within {} s", self.patience.as_secs())).into())
            }
        }
    }
}

/// What a command of this type leads to.
type ReceiptOf<C> = Receipt<<<C as Command>::Aggregate as Aggregate>::Event>;

/// Why the domain rejects it.
type ErrorOf<C> = <<C as Command>::Aggregate as Handle<C>>::Error;

/// What is told of the no of a handler that never says no.
pub const fn never(rejection: &Infallible) -> Problem {
    match *rejection {}
}

/// Why a command has no receipt.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// A new problem.
    New(Problem),
    /// What the same request was told the first time: the body of a problem.
    Remembered(String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::New(problem)
    }
}

impl Refusal {
    /// Of a command that was executed by hand; `rejected` says what a client is told of the domain's own no.
    pub fn of<E: std::error::Error + 'static>(error: ExecuteError<E>, rejected: fn(&E) -> Problem) -> Self {
        let (not_found, exists) = (Code::AGGREGATE_NOT_FOUND, Code::AGGREGATE_EXISTS);
        match error {
            ExecuteError::Remembered { answer, .. } => Self::Remembered(answer),
            error => {
                Self::New(Told { not_found, exists, rejected, of: Conditions::default() }.problem(&error))
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Deserialize)]
        struct OfStatus {
            status: u16,
        }
        let answer = match self {
            Self::New(problem) => return problem.into_response(),
            Self::Remembered(answer) => answer,
        };
        let status = serde_json::from_str(&answer)
            .ok()
            .and_then(|OfStatus { status }| StatusCode::from_u16(status).ok());
        match status {
            Some(status) => respond(status, answer),
            None => {
                Problem::internal(&std::io::Error::other("what was remembered of a command is no problem"))
                    .into_response()
            }
        }
    }
}

/// How errors are told.
#[derive(Clone, Debug)]
struct Told<E> {
    not_found: Code,
    exists: Code,
    rejected: fn(&E) -> Problem,
    of: Conditions,
}

impl<E: std::error::Error + 'static> Told<E> {
    /// The same command will not be told anything else later, so it is remembered.
    const fn lasts(&self, error: &ExecuteError<E>) -> bool {
        match error {
            ExecuteError::Rejected(_)
            | ExecuteError::AlreadyExists { .. }
            | ExecuteError::NotFound { .. } => true,
            ExecuteError::Conflict { .. } => self.of.version.is_some(),
            _ => false,
        }
    }

    fn problem(&self, error: &ExecuteError<E>) -> Problem {
        match error {
            ExecuteError::Rejected(rejection) => (self.rejected)(rejection),
            ExecuteError::AlreadyExists { stream } => {
                Problem::new(self.exists, format!("the {} exists already", name(stream)))
            }
            ExecuteError::NotFound { stream } => self.not_found(stream),
            ExecuteError::Conflict { stream, actual: Version::ZERO, .. } if !self.of.creates => {
                self.not_found(stream)
            }
            ExecuteError::Conflict { stream, actual, .. } => match self.of.version {
                Some(expected) => {
                    let detail = format!("the {} is at version {actual}, not at {expected}", name(stream));
                    Problem::new(Code::VERSION_MISMATCH, detail).disagree(expected.get(), actual.get())
                }
                None => unavailable(&format!("too many commands to the {} at once", name(stream))),
            },
            ExecuteError::CommandIdReused { .. } => Problem::new(
                Code::IDEMPOTENCY_KEY_REUSED,
                "this idempotency key came with another request before; use a new key for a new request",
            ),
            ExecuteError::Append { stream, source: AppendError::TooLarge { .. } } => {
                let detail =
                    format!("the {} would have a larger event than the write store takes", name(stream));
                Problem::new(Code::BODY_TOO_LARGE, detail)
            }
            ExecuteError::Load { source: store::Error::Closed, .. }
            | ExecuteError::Append { source: AppendError::Store(store::Error::Closed), .. } => {
                unavailable("it is closed")
            }
            error if error.is_retryable() => {
                tracing::warn!(error = with_causes(error), "a command met a write store that is away");
                unavailable(&error.to_string())
            }
            error => Problem::internal(error),
        }
    }

    fn not_found(&self, stream: &StreamId) -> Problem {
        Problem::new(self.not_found, format!("there is no {}", name(stream)))
    }
}

/// As people say it: its kind and its id.
fn name(stream: &StreamId) -> String {
    format!("{} {:?}", stream.category(), stream.id())
}

/// What has happened is not always known, so a retry is only safe with a key.
fn unavailable(why: &str) -> Problem {
    let detail =
        format!("{why}; send the request again, with an `Idempotency-Key` where it must not be done twice");
    Problem::new(Code::WRITE_STORE_UNAVAILABLE, detail)
}
