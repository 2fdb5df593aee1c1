use crate::{
    domain::{DecodeError, EncodeError, FoldError},
    envelope::{CommandId, Position, StreamId, StreamIdError, Version},
    store::{self, AppendError},
};

/// Why a command was not executed. Nothing was appended, unless it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<E> {
    /// The domain's own no, by the command handler.
    #[error("the command was rejected")]
    Rejected(#[source] E),
    /// A creating command, but the aggregate exists.
    #[error("{stream} exists already")]
    AlreadyExists {
        /// The aggregate's stream.
        stream: StreamId,
    },
    /// The aggregate does not exist.
    #[error("{stream} does not exist")]
    NotFound {
        /// The aggregate's stream.
        stream: StreamId,
    },
    /// Others changed the aggregate at the same time, each time anew; or it is not at the version that
    /// [`execute_at`](crate::app::App::execute_at) asked for.
    #[error("{stream} is at version {actual}, not at {expected} (attempts: {attempts})")]
    Conflict {
        /// The aggregate's stream.
        stream: StreamId,
        /// The version that the command was decided on, or was asked for.
        expected: Version,
        /// The version that the stream is at.
        actual: Version,
        /// How often the command was decided.
        attempts: u32,
    },
    /// The command id was used before, for another command.
    #[error("the command id {command_id} was used for another command before")]
    CommandIdReused {
        /// The id.
        command_id: CommandId,
    },
    /// The command id is known, and this is what was [remembered](crate::app::Execute::remember) of its failure.
    #[error("the command {command_id} failed before, and is not tried again")]
    Remembered {
        /// The id.
        command_id: CommandId,
        /// What was remembered.
        answer: String,
    },
    /// The aggregate's id, or its category, can't name a stream.
    #[error(transparent)]
    StreamId(#[from] StreamIdError),
    /// An event of the stream can't be read by this program.
    #[error("the event at position {position} of {stream} can't be read")]
    Decode {
        /// The stream.
        stream: StreamId,
        /// The event's place in the log.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// The stream's events don't make up a state.
    #[error("the event at position {position} of {stream} does not fit the ones before it")]
    Fold {
        /// The stream.
        stream: StreamId,
        /// The event's place in the log.
        position: Position,
        /// Why.
        source: FoldError,
    },
    /// The command's own events can't be folded into its aggregate, so nothing was appended: the event handlers do not
    /// fit the command handler, or one of them panics.
    #[error("the events of the command can't be folded into {stream}, so nothing was appended: {reason}")]
    Unfoldable {
        /// The aggregate's stream.
        stream: StreamId,
        /// What the fold said.
        reason: String,
    },
    /// The store returned events that don't follow each other.
    #[error("{stream} has a gap: version {found} follows {after}")]
    Gap {
        /// The stream.
        stream: StreamId,
        /// The version before the gap.
        after: Version,
        /// The version after the gap.
        found: Version,
    },
    /// A new event can't be serialised.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The command can't be serialised, which its id asks for.
    #[error("the command can't be serialised")]
    Command(#[source] serde_json::Error),
    /// The stream could not be loaded.
    #[error("{stream} could not be loaded")]
    Load {
        /// The stream.
        stream: StreamId,
        /// Why.
        source: store::Error,
    },
    /// The events could not be appended.
    #[error("the events could not be appended to {stream}")]
    Append {
        /// The stream.
        stream: StreamId,
        /// Why.
        source: AppendError,
    },
}

impl<E> ExecuteError<E> {
    /// The same command may succeed later. Give it a command id where it must not happen twice.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } => true,
            Self::Load { source, .. } => source.is_retryable(),
            Self::Append { source, .. } => source.is_retryable(),
            _ => false,
        }
    }
}
