use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{DeadLetter, Reason, Sequence},
};
use mongodb::bson::{Document, RawDocument, doc};

use crate::{
    document::{Wrong, integer, micros_of, moment_of, number},
    known::{binary, uuid},
};

/// The fields of a letter of this build, or partition.
pub(super) fn written(of: &str, letter: &DeadLetter) -> Document {
    let (parked_at, parked_at_micros) = moment_of(letter.parked_at);
    let (tried_at, tried_at_micros) = moment_of(letter.tried_at);
    let reason = match &letter.reason {
        Reason::Failed(error) => doc! { "failed": error },
        Reason::Queued => doc! { "queued": true },
    };
    doc! {
        "projection": of,
        "position": integer(letter.position.get()),
        "sequence": sequence_of(&letter.sequence),
        "event_id": binary(letter.event_id.as_uuid()),
        "stream": stream_of(&letter.stream),
        "version": integer(letter.version.get()),
        "event": &letter.event,
        "reason": reason,
        "parked_at": parked_at,
        "parked_at_micros": parked_at_micros,
        "attempts": i64::from(letter.attempts),
        "tried_at": tried_at,
        "tried_at_micros": tried_at_micros,
    }
}

/// A sequence as a letter has it; compared as a whole.
pub(super) fn sequence_of(sequence: &Sequence) -> Document {
    match sequence {
        Sequence::Document(key) => doc! { "document": key },
        Sequence::Stream(stream) => doc! { "stream": stream_of(stream) },
    }
}

fn stream_of(stream: &StreamId) -> Document {
    doc! { "category": stream.category(), "id": stream.id() }
}

pub(super) fn letter(document: &RawDocument) -> Result<DeadLetter, Wrong> {
    read(document).map_err(|error| Wrong::new(format!("a dead letter: {error}")))
}

fn read(document: &RawDocument) -> Result<DeadLetter, Wrong> {
    let place = |name: &str| {
        document
            .get(name)?
            .and_then(number)
            .ok_or_else(|| Wrong::new(format!("`{name}` is no number of a place")))
    };
    let reason = document.get_document("reason")?;
    let moment = |name: &str| {
        micros_of(document.get_datetime(name)?, document.get_i64(format!("{name}_micros"))?)
            .ok_or_else(|| Wrong::new(format!("`{name}` is out of range")))
    };
    let event_id = uuid(document, "event_id")?.ok_or_else(|| Wrong::new("`event_id` is missing"))?;
    Ok(DeadLetter {
        sequence: sequence(document.get_document("sequence")?)?,
        position: Position::new(place("position")?),
        event_id: EventId::from_uuid(event_id),
        stream: stream(document.get_document("stream")?)?,
        version: Version::new(place("version")?),
        event: document.get_str("event")?.to_owned(),
        reason: match reason.get("failed")? {
            Some(_) => Reason::Failed(reason.get_str("failed")?.to_owned()),
            None => Reason::Queued,
        },
        parked_at: moment("parked_at")?,
        attempts: u32::try_from(document.get_i64("attempts")?)
            .map_err(|_| Wrong::new("`attempts` is no number of attempts"))?,
        tried_at: moment("tried_at")?,
    })
}

pub(super) fn sequence(document: &RawDocument) -> Result<Sequence, Wrong> {
    match document.get("document")? {
        Some(_) => Ok(Sequence::Document(document.get_str("document")?.to_owned())),
        None => Ok(Sequence::Stream(stream(document.get_document("stream")?)?)),
    }
}

fn stream(document: &RawDocument) -> Result<StreamId, Wrong> {
    StreamId::new(document.get_str("category")?, document.get_str("id")?)
        .map_err(|error| Wrong::new(error.to_string()))
}
