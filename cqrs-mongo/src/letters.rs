//! Dead letters.
//!
//! Letters count when the batch that they came with does, which is when the checkpoint is written. So that this is one
//! step, letters are written before with the batch's mark, and the checkpoint then names that mark: `Known::letters`.
//! What an abandoned batch has left has a mark that no checkpoint names, and does not count. The next batch with letters
//! takes the mark off the letters before it names its own. In a transaction, letters have no mark.

use std::collections::BTreeSet;

use cqrs_core::{
    envelope::{EventId, Position, StreamId, Version},
    store::{DeadLetter, Error, ProjectionId, Reason, Sequence},
};
use mongodb::{
    IndexModel,
    bson::{Bson, Document, RawDocument, RawDocumentBuf, doc},
};
use uuid::Uuid;

use crate::{
    commit::Ready,
    document::{Wrong, integer, micros_of, moment_of, number},
    error::Failure,
    known::{Known, binary, uuid},
    names::{self, DEAD_LETTERS},
    server::Server,
    session::Session,
};

const PARKS: &str = "parks events";

/// Where letters are listed along.
pub(crate) fn index() -> IndexModel {
    let options = mongodb::options::IndexOptions::builder().name("cqrs_by_position".to_owned()).build();
    IndexModel::builder().keys(doc! { "projection": 1, "position": 1 }).options(options).build()
}

/// Picks the letters of a projection that count.
fn counting(id: &ProjectionId, known: &Known) -> Document {
    let mut marks = vec![Bson::Null];
    marks.extend(known.letters.map(|mark| Bson::from(binary(mark))));
    doc! { "projection": names::documents(id), "batch": { "$in": marks } }
}

/// What a batch parks.
#[derive(Debug)]
pub(crate) struct Parking {
    pub(crate) letters: Vec<DeadLetter>,
    /// How many events are parked by it, and were not before: one event may be in several sequences.
    pub(crate) events: i64,
    /// What its letters are marked with; `None` where there are none, and in a transaction.
    pub(crate) mark: Option<Uuid>,
}

impl Parking {
    /// Leaves out letters that are there.
    pub(crate) async fn of(
        server: &Server,
        id: &ProjectionId,
        ready: &Ready,
        in_transaction: bool,
    ) -> Result<Self, Error> {
        let mut letters = ready.commit.parked.clone();
        if letters.is_empty() {
            return Ok(Self { letters, events: 0, mark: None });
        }
        let positions: BTreeSet<i64> = letters.iter().map(|letter| integer(letter.position.get())).collect();
        let mut filter = counting(id, &ready.known);
        filter.insert("position", doc! { "$in": positions.iter().copied().collect::<Vec<_>>() });
        let parked = find(server, filter, doc! {}, None).await?;
        letters.retain(|letter| {
            !parked.iter().any(|known| known.position == letter.position && known.sequence == letter.sequence)
        });
        let known: BTreeSet<i64> = parked.iter().map(|letter| integer(letter.position.get())).collect();
        let events = i64::try_from(positions.difference(&known).count()).unwrap_or(i64::MAX);
        let mark = (!letters.is_empty() && !in_transaction).then(Uuid::now_v7);
        Ok(Self { letters, events, mark })
    }

    /// Writes the letters with the batch's mark, after those of the batch before have lost theirs.
    pub(crate) async fn write(
        &self,
        server: &Server,
        id: &ProjectionId,
        known: &Known,
    ) -> Result<(), Failure> {
        if self.letters.is_empty() {
            return Ok(());
        }
        let (collection, letters) = (server.own(DEAD_LETTERS), self.written(id));
        let before =
            known.letters.map(|mark| doc! { "projection": names::documents(id), "batch": binary(mark) });
        let work = async move {
            if let Some(before) = before {
                collection.update_many(before, doc! { "$unset": { "batch": "" } }).await?;
            }
            collection.insert_many(letters).await
        };
        server.call(PARKS, work).await.map(drop)
    }

    /// Writes the letters in a transaction.
    pub(crate) async fn write_in(
        &self,
        server: &Server,
        session: &mut Session,
        id: &ProjectionId,
    ) -> Result<(), Failure> {
        if self.letters.is_empty() {
            return Ok(());
        }
        let (collection, letters) = (server.own(DEAD_LETTERS), self.written(id));
        let work = |mut session| async move {
            let inserted = collection.insert_many(letters).session(&mut session).await;
            (session, inserted)
        };
        session.call(server, PARKS, work).await.map(drop)
    }

    fn written(&self, id: &ProjectionId) -> Vec<Document> {
        self.letters.iter().map(|letter| written(id, letter, self.mark)).collect()
    }
}

/// Removes letters that will never count: of batches that another one has overtaken.
pub(crate) async fn tidy(server: &Server, id: &ProjectionId, known: &Known) -> Result<(), Error> {
    let filter = doc! {
        "projection": names::documents(id),
        "position": { "$lte": integer(known.position().get()) },
        "batch": { "$exists": true, "$ne": known.letters.map_or(Bson::Null, |mark| binary(mark).into()) },
    };
    let collection = server.own(DEAD_LETTERS);
    server.call("tidies dead letters up", async move { collection.delete_many(filter).await }).await?;
    Ok(())
}

/// Each sequence that has a letter.
pub(crate) async fn sequences(
    server: &Server,
    id: &ProjectionId,
    known: &Known,
) -> Result<Vec<Sequence>, Error> {
    let collection = server.own(DEAD_LETTERS);
    let pipeline = [doc! { "$match": counting(id, known) }, doc! { "$group": { "_id": "$sequence" } }];
    let work = async move {
        let mut found = Vec::new();
        let mut cursor = collection.aggregate(pipeline).await?;
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    };
    let found = server.call("reads what is parked", work).await?;
    found.iter().map(|document| Ok(sequence(document.get_document("_id").map_err(Wrong::from)?)?)).collect()
}

/// Letters after a position, by position, in whole positions.
pub(crate) async fn list(
    server: &Server,
    id: &ProjectionId,
    known: &Known,
    after: Position,
    limit: usize,
) -> Result<Vec<DeadLetter>, Error> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let filter = |position: Document| {
        let mut filter = counting(id, known);
        filter.insert("position", position);
        filter
    };
    let beyond = filter(doc! { "$gt": integer(after.get()) });
    let mut letters = find(server, beyond, doc! { "position": 1 }, Some(limit)).await?;
    if let Some(last) = letters.last().map(|letter| letter.position)
        && letters.len() == limit
    {
        letters.retain(|letter| letter.position < last);
        letters.extend(find(server, filter(doc! { "$eq": integer(last.get()) }), doc! {}, None).await?);
    }
    letters.sort_by(|a, b| (a.position, &a.sequence).cmp(&(b.position, &b.sequence)));
    Ok(letters)
}

async fn find(
    server: &Server,
    filter: Document,
    sort: Document,
    limit: Option<usize>,
) -> Result<Vec<DeadLetter>, Error> {
    let collection = server.own(DEAD_LETTERS);
    let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let work = async move {
        let mut found: Vec<RawDocumentBuf> = Vec::new();
        let mut query = collection.find(filter).sort(sort);
        if let Some(limit) = limit {
            query = query.limit(limit);
        }
        let mut cursor = query.await?;
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    };
    let found = server.call("reads dead letters", work).await?;
    found.iter().map(|document| Ok(letter(document)?)).collect()
}

fn written(id: &ProjectionId, letter: &DeadLetter, mark: Option<Uuid>) -> Document {
    let (parked_at, micros) = moment_of(letter.parked_at);
    let sequence = match &letter.sequence {
        Sequence::Document(key) => doc! { "document": key },
        Sequence::Stream(stream) => doc! { "stream": stream_of(stream) },
    };
    let reason = match &letter.reason {
        Reason::Failed(error) => doc! { "failed": error },
        Reason::Queued => doc! { "queued": true },
    };
    let mut document = doc! {
        "projection": names::documents(id),
        "position": integer(letter.position.get()),
        "sequence": sequence,
        "event_id": binary(letter.event_id.as_uuid()),
        "stream": stream_of(&letter.stream),
        "version": integer(letter.version.get()),
        "event": &letter.event,
        "reason": reason,
        "parked_at": parked_at,
        "parked_at_micros": micros,
    };
    if let Some(mark) = mark {
        document.insert("batch", binary(mark));
    }
    document
}

fn stream_of(stream: &StreamId) -> Document {
    doc! { "category": stream.category(), "id": stream.id() }
}

fn letter(document: &RawDocument) -> Result<DeadLetter, Wrong> {
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
    let parked_at = micros_of(document.get_datetime("parked_at")?, document.get_i64("parked_at_micros")?);
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
        parked_at: parked_at.ok_or_else(|| Wrong::new("`parked_at` is out of range"))?,
    })
}

fn sequence(document: &RawDocument) -> Result<Sequence, Wrong> {
    match document.get("document")? {
        Some(_) => Ok(Sequence::Document(document.get_str("document")?.to_owned())),
        None => Ok(Sequence::Stream(stream(document.get_document("stream")?)?)),
    }
}

fn stream(document: &RawDocument) -> Result<StreamId, Wrong> {
    StreamId::new(document.get_str("category")?, document.get_str("id")?)
        .map_err(|error| Wrong::new(error.to_string()))
}
