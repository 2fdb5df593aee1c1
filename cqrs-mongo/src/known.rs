use cqrs_core::{
    envelope::{EventId, LogId, Position},
    store::{Build, Checkpoint, Partition, ProjectionId, ProjectionSpec, Standing},
};
use mongodb::bson::{self, Bson, Document, RawDocument, doc};
use uuid::Uuid;

use crate::{
    document::{Wrong, integer, micros_of, moment_of, number},
    names,
};

const LIVE: &str = "live";
const BUILDING: &str = "building";
const SUPERSEDED: &str = "superseded";

/// What the database knows of a build of a projection, or of a partition of one.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Which one.
    pub(crate) id: ProjectionId,
    /// Another one each time that a build of this id is begun, and while one is removed.
    pub(crate) incarnation: Uuid,
    /// Nobody may write it any more.
    pub(crate) is_removed: bool,
    pub(crate) indexes: Vec<String>,
    pub(crate) fingerprint: u64,
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The mark of the batch that changed dead letters last.
    pub(crate) letters: Option<Uuid>,
}

/// Picks what is known of one projection.
pub(crate) fn filter(id: &ProjectionId) -> Document {
    doc! { "_id": names::checkpoint(id) }
}

/// Picks what is known of a build, and of all of its partitions.
pub(crate) fn of_build(id: &ProjectionId) -> Document {
    doc! {
        "projection": &id.name,
        "version": i64::from(id.version),
        "generation": i64::from(id.generation),
    }
}

/// Picks what is known of the partitions of a build.
pub(crate) fn partitions_of(id: &ProjectionId) -> Document {
    let mut filter = of_build(id);
    filter.insert("partition", doc! { "$ne": Partition::WHOLE.to_string() });
    filter
}

/// What is known of a projection before its first batch.
pub(crate) fn declared(spec: &ProjectionSpec) -> Document {
    doc! {
        "_id": names::checkpoint(&spec.id),
        "projection": &spec.id.name,
        "version": i64::from(spec.id.version),
        "generation": i64::from(spec.id.generation),
        "partition": spec.id.partition.to_string(),
        "incarnation": binary(Uuid::now_v7()),
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

    pub(crate) fn fence(&self) -> u64 {
        self.checkpoint.map_or(0, |checkpoint| checkpoint.fence)
    }

    pub(crate) fn build(self) -> Build {
        Build { id: self.id, fingerprint: self.fingerprint, checkpoint: self.checkpoint }
    }

    /// Picks the build as long as it is what is known here: the same, with the same checkpoint, letters and indexes.
    pub(crate) fn as_found(&self) -> Document {
        let mut filter = filter(&self.id);
        let checkpoint = self.checkpoint.as_ref();
        // A field that is missing is null.
        let position = checkpoint.map_or(Bson::Null, |found| integer(found.position.get()).into());
        filter.insert("incarnation", binary(self.incarnation));
        filter.insert("removed", Bson::Null);
        filter.insert("indexes", self.indexes.clone());
        filter.insert("letters", self.letters.map_or(Bson::Null, |mark| binary(mark).into()));
        filter.insert("checkpoint.position", position);
        filter.insert("checkpoint.fence", checkpoint.map_or(Bson::Null, |found| integer(found.fence).into()));
        filter
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
    let part = |name: &str| -> Result<u32, Wrong> {
        let found = document.get(name)?.and_then(number).and_then(|number| u32::try_from(number).ok());
        found.ok_or_else(|| Wrong::new(format!("`{name}` is no number of a build")))
    };
    let id = ProjectionId::new(document.get_str("projection")?, part("version")?);
    let partition = document.get_str("partition")?.parse().map_err(Wrong::new)?;
    let incarnation = uuid(document, "incarnation")?;
    Ok(Known {
        id: id.generation(part("generation")?).partition(partition),
        incarnation: incarnation.ok_or_else(|| Wrong::new("`incarnation` is missing"))?,
        is_removed: document.get("removed")?.is_some(),
        indexes,
        fingerprint: document.get_i64("fingerprint")?.cast_unsigned(),
        checkpoint,
        letters: uuid(document, "letters")?,
    })
}

/// The fields of a checkpoint.
pub(crate) fn written(checkpoint: &Checkpoint) -> Document {
    let (as_of, micros) = moment_of(checkpoint.as_of);
    let (standing, by) = match checkpoint.standing {
        Standing::Live => (LIVE, Bson::Null),
        Standing::Building => (BUILDING, Bson::Null),
        Standing::Superseded { by } => (SUPERSEDED, i64::from(by).into()),
    };
    let mut fields = doc! {
        "checkpoint.log": binary(checkpoint.log.as_uuid()),
        "checkpoint.position": integer(checkpoint.position.get()),
        "checkpoint.head": integer(checkpoint.head.get()),
        "checkpoint.as_of": as_of,
        "checkpoint.as_of_micros": micros,
        "checkpoint.diverged": checkpoint.diverged,
        "checkpoint.parked": integer(checkpoint.parked),
        "checkpoint.fence": integer(checkpoint.fence),
        "checkpoint.standing": standing,
        "checkpoint.superseded_by": by,
        "checkpoint.partitions": i64::from(checkpoint.partitions),
    };
    let last = checkpoint.last.map_or(Bson::Null, |last| binary(last.as_uuid()).into());
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
        fence: position("fence")?.get(),
        standing: standing(document)?,
        partitions: u16::try_from(position("partitions")?.get())
            .map_err(|_| Wrong::new("`partitions` is no number of partitions"))?,
    })
}

fn standing(document: &RawDocument) -> Result<Standing, Wrong> {
    let by = document.get("superseded_by")?.and_then(number).and_then(|number| u32::try_from(number).ok());
    match (document.get_str("standing")?, by) {
        (LIVE, _) => Ok(Standing::Live),
        (BUILDING, _) => Ok(Standing::Building),
        (SUPERSEDED, Some(by)) => Ok(Standing::Superseded { by }),
        (other, by) => Err(Wrong::new(format!("`standing` is {other:?}, and `superseded_by` {by:?}"))),
    }
}

pub(crate) fn binary(uuid: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(uuid.into_bytes())
}

/// `None` where there is none, or null.
pub(crate) fn uuid(document: &RawDocument, name: &str) -> Result<Option<Uuid>, Wrong> {
    match document.get(name)? {
        None | Some(bson::RawBsonRef::Null) => Ok(None),
        Some(value) => uuid_of(value).map(Some).ok_or_else(|| Wrong::new(format!("`{name}` is no UUID"))),
    }
}

pub(crate) fn uuid_of(value: bson::RawBsonRef<'_>) -> Option<Uuid> {
    Uuid::from_slice(value.as_binary()?.bytes).ok()
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
            "_id": "a_v1_build3 1/2", "projection": "a", "version": 1_i64, "generation": 3_i64, "partition": "1/2",
            "incarnation": binary(Uuid::max()), "indexes": ["x"], "fingerprint": -1_i64,
            "checkpoint": {
                "log": binary(Uuid::nil()), "position": 5_i64, "last": Bson::Null, "diverged": false,
                "head": 6_i64, "as_of": bson::DateTime::from_millis(-1), "as_of_micros": 7_i64, "parked": 1_i32,
                "fence": 4_i64, "standing": "superseded", "superseded_by": 5_i64,
                "partitions": 64_i64,
            },
        };
        let known = Known::read(&raw(&sound)).expect("sound");
        assert_eq!((known.fingerprint, known.position().get(), known.letters), (u64::MAX, 5, None));
        assert_eq!(
            known.id,
            ProjectionId::new("a", 1).generation(3).partition(Partition::all(2).last().expect("two"))
        );
        let checkpoint = known.checkpoint.expect("there is one");
        assert_eq!(checkpoint.as_of.as_microsecond(), -993);
        assert_eq!((checkpoint.fence, checkpoint.standing), (4, Standing::Superseded { by: 5 }));
        assert_eq!(checkpoint.partitions, 64);
        for (name, wrong) in [
            ("position", Bson::from(-1_i64)),
            ("position", "5".into()),
            ("log", Bson::Null),
            ("log", "x".into()),
            ("as_of", bson::DateTime::MAX.into()),
            ("parked", Bson::Null),
            ("fence", (-1_i64).into()),
            ("standing", "dead".into()),
            ("superseded_by", Bson::Null),
            ("partitions", 70_000_i64.into()),
        ] {
            let mut document = sound.clone();
            document.get_document_mut("checkpoint").expect("it has one").insert(name, wrong);
            let error = Known::read(&raw(&document)).expect_err("a foreign hand").to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }
}
