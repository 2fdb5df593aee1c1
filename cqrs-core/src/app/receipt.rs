use uuid::Uuid;

use crate::{
    domain::Event,
    envelope::{CommandId, Position, Recorded, StreamId, Token, Version},
};

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt<E: Event> {
    /// The stream of the aggregate.
    pub stream: StreamId,
    /// The aggregate's version after the command.
    pub version: Version,
    /// The position of the command's last event; where it led to none, the head of the log when it was decided.
    pub position: Position,
    /// Give it to a query to see what this command did.
    pub token: Token,
    /// The events, in order.
    pub events: Vec<Recorded<E>>,
    /// The command's id, also where the framework chose it.
    pub command_id: CommandId,
    /// The correlation of all that follows.
    pub correlation_id: Uuid,
    /// The command id was known: nothing was appended now, and this is the receipt of the first time.
    pub repeated: bool,
}
