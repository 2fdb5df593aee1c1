//! Fills a log faster than commands would.

use std::borrow::Cow;

use cqrs_core::{
    domain::{Event as _, Payload as _},
    envelope::{EventId, Json, StreamId},
    prelude::*,
    store::{Append, EventStore, NewEvent, Past},
};

use crate::{
    Failure,
    domain::{LineAdded, OrderEvent},
};

/// How many events are appended at once.
const AT_ONCE: u64 = 500;

/// Appends so many events; `line` says of each which order gets which line.
pub(crate) async fn fill(
    log: &dyn EventStore,
    events: u64,
    line: impl Fn(u64) -> (String, LineAdded),
) -> Result<(), Failure> {
    let mut from = 0;
    while from < events {
        let until = events.min(from + AT_ONCE);
        let mut new = Vec::new();
        for number in from..until {
            let (order, line) = line(number);
            new.push(NewEvent {
                event_id: EventId::generate(),
                stream: StreamId::new(OrderEvent::STREAM, order)?,
                name: Cow::Borrowed(LineAdded::TYPE.name),
                schema_version: LineAdded::TYPE.version,
                data: Json::of(&line)?,
            });
        }
        // The store stamps its own time.
        let metadata = Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH);
        log.append(Append {
            conditions: Vec::new(),
            past: Past::UNKNOWN,
            events: new,
            metadata,
            command: None,
        })
        .await?;
        from = until;
    }
    Ok(())
}
