use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{Checkpoint, ProjectionId, ProjectionSpec},
};
use mongodb::bson::{self, Document, RawDocument, doc};
use uuid::Uuid;

use crate::{
    document::{Wrong, integer, micros_of, moment_of, number},
    names,
};

/// What the database knows of a projection.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) indexes: Vec<String>,
    pub(crate) fingerprint: u64,
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The mark of the newest dead letters: they count, like those without a mark.
    pub(crate) letters: Option<Uuid>,
}

/// Picks what is known of one projection.
pub(crate) fn filter(id: &ProjectionId) -> Document {
    doc! { "_id": names::documents(id) }
}

/// What is known of a projection before its first batch.
pub(crate) fn declared(spec: &ProjectionSpec) -> Document {
    doc! {
        "_id": names::documents(&spec.id),
        "projection": &spec.id.name,
        "version": i64::from(spec.id.version),
        "indexes": indexes_of(spec),
        "fingerprint": spec.fingerprint.cast_signed(),
    }
}

pub(crate) fn indexes_of(spec: &ProjectionSpec) -> Vec<&'static str> {
    spec.indexes.iter().map(|index| index.name).collect()
}

impl Known {
    pub(crate) fn position(&self) -> Position {
        self.checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position)
    }

    pub(crate) fn read(document: &RawDocument) -> Result<Self, Wrong> {
        read(document).map_err(|error| Wrong::new(format!("what {} holds: {error}", names::CHECKPOINTS)))
    }
}

fn read(document: &RawDocument) -> Result<Known, Wrong> {
    let indexes = document
        .get_array("indexes")?
        .into_iter()
        .map(|name| {
            Ok(name?.as_str().ok_or_else(|| Wrong::new("`indexes` has a name that is none"))?.to_owned())
        })
        .collect::<Result<_, Wrong>>()?;
    let checkpoint = match document.get("checkpoint")?.and_then(bson::RawBsonRef::as_document) {
        Some(checkpoint) => Some(read_checkpoint(checkpoint)?),
        None => None,
    };
    Ok(Known {
        indexes,
        fingerprint: document.get_i64("fingerprint")?.cast_unsigned(),
        checkpoint,
        letters: uuid(document, "letters")?,
    })
}

/// The fields of a checkpoint, but for the number of parked events, which the database counts.
pub(crate) fn written(checkpoint: &Checkpoint) -> Document {
    let (as_of, micros) = moment_of(checkpoint.as_of);
    let mut fields = doc! {
        "checkpoint.log": binary(checkpoint.log.as_uuid()),
        "checkpoint.position": integer(checkpoint.position.get()),
        "checkpoint.head": integer(checkpoint.head.get()),
        "checkpoint.as_of": as_of,
        "checkpoint.as_of_micros": micros,
        "checkpoint.diverged": checkpoint.diverged,
    };
    let last = checkpoint.last.map_or(bson::Bson::Null, |last| binary(last.as_uuid()).into());
    fields.insert("checkpoint.last", last);
    fields
}

fn read_checkpoint(document: &RawDocument) -> Result<Checkpoint, Wrong> {
    let position = |name: &str| -> Result<Position, Wrong> {
        let found = document.get(name)?.and_then(number);
        found.map(Position::new).ok_or_else(|| Wrong::new(format!("`{name}` is no position")))
    };
    let as_of = micros_of(document.get_datetime("as_of")?, document.get_i64("as_of_micros")?);
    Ok(Checkpoint {
        log: LogId::from_uuid(uuid(document, "log")?.ok_or_else(|| Wrong::new("`log` is missing"))?),
        position: position("position")?,
        last: uuid(document, "last")?.map(EventId::from_uuid),
        diverged: document.get_bool("diverged")?,
        head: position("head")?,
        as_of: as_of.ok_or_else(|| Wrong::new("`as_of` is out of range"))?,
        parked: position("parked")?.get(),
    })
}

pub(crate) fn binary(uuid: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(uuid.into_bytes())
}

/// `None` where there is none, or null.
pub(crate) fn uuid(document: &RawDocument, name: &str) -> Result<Option<Uuid>, Wrong> {
    match document.get(name)? {
        None | Some(bson::RawBsonRef::Null) => Ok(None),
        Some(value) => value
            .as_binary()
            .and_then(|binary| Uuid::from_slice(binary.bytes).ok())
            .map(Some)
            .ok_or_else(|| Wrong::new(format!("`{name}` is no UUID"))),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::RawDocumentBuf;

    use super::*;

    fn raw(document: &Document) -> RawDocumentBuf {
        RawDocumentBuf::try_from(document).expect("sound")
    }

    #[test]
    fn a_foreign_hand_in_the_checkpoints_is_named() {
        let sound = doc! {
            "_id": "a_v1", "projection": "a", "version": 1_i64, "indexes": ["x"], "fingerprint": -1_i64,
            "checkpoint": {
                "log": binary(Uuid::nil()), "position": 5_i64, "last": bson::Bson::Null, "diverged": false,
                "head": 6_i64, "as_of": bson::DateTime::from_millis(-1), "as_of_micros": 7_i64, "parked": 1_i32,
            },
        };
        let known = Known::read(&raw(&sound)).expect("sound");
        assert_eq!((known.fingerprint, known.position().get(), known.letters), (u64::MAX, 5, None));
        assert_eq!(known.checkpoint.expect("there is one").as_of.as_microsecond(), -993);
        for (name, wrong) in [
            ("position", bson::Bson::from(-1_i64)),
            ("position", "5".into()),
            ("log", bson::Bson::Null),
            ("log", "x".into()),
            ("as_of", bson::DateTime::MAX.into()),
            ("parked", bson::Bson::Null),
        ] {
            let mut document = sound.clone();
            document.get_document_mut("checkpoint").expect("it has one").insert(name, wrong);
            let error = Known::read(&raw(&document)).expect_err("a foreign hand").to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }
}
