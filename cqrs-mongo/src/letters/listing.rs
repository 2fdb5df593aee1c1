use std::future::Future;

use cqrs_core::{
    envelope::Position,
    store::{DeadLetter, Error, ProjectionId, Sequence},
};
use mongodb::bson::{Document, RawDocumentBuf, doc};

use super::{
    counting,
    layout::{letter, sequence, sequence_of},
};
use crate::{
    document::{Wrong, integer},
    error::unavailable,
    known::Known,
    names::DEAD_LETTERS,
    prepare,
    server::Server,
};

const DOING: &str = "reads dead letters";

/// How often letters are read that others go on changing.
const ATTEMPTS: usize = 10;

/// Each sequence that has a letter.
pub(crate) async fn sequences(server: &Server, id: &ProjectionId) -> Result<Vec<Sequence>, Error> {
    at_rest(server, id, |known| sequences_of(server, known)).await
}

async fn sequences_of(server: &Server, known: Known) -> Result<Vec<Sequence>, Error> {
    let collection = server.own(DEAD_LETTERS);
    let pipeline = [doc! { "$match": counting(&known) }, doc! { "$group": { "_id": "$sequence" } }];
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

/// Letters of all sequences or of one after a position, by position, in whole positions.
pub(crate) async fn list(
    server: &Server,
    id: &ProjectionId,
    of: Option<&Sequence>,
    after: Position,
    limit: usize,
) -> Result<Vec<DeadLetter>, Error> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    at_rest(server, id, |known| page(server, known, of, after, limit)).await
}

async fn page(
    server: &Server,
    known: Known,
    of: Option<&Sequence>,
    after: Position,
    limit: usize,
) -> Result<Vec<DeadLetter>, Error> {
    let filter = |position: Document| {
        let mut filter = counting(&known);
        filter.insert("position", position);
        if let Some(of) = of {
            filter.insert("sequence", sequence_of(of));
        }
        filter
    };
    let later = filter(doc! { "$gt": integer(after.get()) });
    let mut letters = find(server, later, doc! { "position": 1 }, Some(limit)).await?;
    if let Some(last) = letters.last().filter(|_| letters.len() >= limit).map(|last| last.position) {
        // The last position may have more.
        letters.retain(|letter| letter.position < last);
        letters.extend(find(server, filter(doc! { "$eq": integer(last.get()) }), doc! {}, None).await?);
    }
    letters.sort_by(|a, b| (a.position, &a.sequence).cmp(&(b.position, &b.sequence)));
    Ok(letters)
}

/// Reads letters again, where they have changed meanwhile: which count is known from the checkpoint.
async fn at_rest<T, F>(server: &Server, id: &ProjectionId, read: impl Fn(Known) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Vec<T>, Error>>,
{
    let mut known = prepare::find(server, id).await?;
    for _ in 0..ATTEMPTS {
        let Some(before) = known else { return Ok(Vec::new()) };
        let mark = before.letters;
        let found = read(before).await?;
        let after = prepare::find(server, id).await?;
        if after.as_ref().is_some_and(|after| after.letters == mark) {
            return Ok(found);
        }
        known = after;
    }
    Err(unavailable(DOING, format!("what {id} has parked goes on changing")))
}

async fn find(
    server: &Server,
    filter: Document,
    sort: Document,
    limit: Option<usize>,
) -> Result<Vec<DeadLetter>, Error> {
    found(server, filter, sort, limit).await?.iter().map(|document| Ok(letter(document)?)).collect()
}

/// Letters as they are in the database.
pub(super) async fn found(
    server: &Server,
    filter: Document,
    sort: Document,
    limit: Option<usize>,
) -> Result<Vec<RawDocumentBuf>, Error> {
    let collection = server.own(DEAD_LETTERS);
    let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let work = async move {
        let mut found = Vec::new();
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
    Ok(server.call(DOING, work).await?)
}
