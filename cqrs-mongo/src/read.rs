//! Answers to queries: first the checkpoint, then the documents, so that these are never older than it.
//!
//! A session makes that true also where the two are answered by different members of a replica set: the second question
//! waits until the member that gets it has all that the first answer came from.

use std::collections::HashSet;

use cqrs_core::store::{Checkpoint, Error, Find, ProjectionId, Read, StoredDocument};
use mongodb::{
    ClientSession, Collection,
    bson::{Document, RawDocument, RawDocumentBuf, doc},
    error::Result as DriverResult,
};
use tokio::task::JoinSet;

use crate::{
    document::{Wrong, stored},
    error::Failure,
    find::query,
    known::{self, Known},
    names::{self, CHECKPOINTS},
    rows::{AT_ONCE, FEW},
    server::Server,
    session::Session,
};

/// How many bytes of keys go into one question.
const KEY_BYTES: usize = 4 << 20;

/// How far a projection has come, as queries see it.
pub(crate) async fn checkpoint(server: &Server, id: &ProjectionId) -> Result<Option<Checkpoint>, Error> {
    let (checkpoints, filter) = (server.read(CHECKPOINTS), known::filter(id));
    let found = server.call("reads a checkpoint", async move { checkpoints.find_one(filter).await }).await?;
    Ok(known_of(found.as_ref())?.and_then(|known| known.checkpoint))
}

/// One document.
pub(crate) async fn get(
    server: &Server,
    id: &ProjectionId,
    key: &str,
) -> Result<Read<Option<StoredDocument>>, Error> {
    const DOING: &str = "reads a document";
    let (documents, filter) = (server.read(&names::documents(id)), doc! { "_id": key });
    let (known, mut session) = known_first(server, id, DOING).await?;
    let work = |mut session| async move {
        let found = documents.find_one(filter).session(&mut session).await;
        (session, found)
    };
    let found = session.call(server, DOING, work).await?;
    let value = found.as_deref().map(stored).transpose()?.filter(|document| document.data.is_some());
    Ok(Read { value, checkpoint: known.and_then(|known| known.checkpoint) })
}

/// A page of documents.
pub(crate) async fn find(
    server: &Server,
    id: &ProjectionId,
    find: &Find,
) -> Result<Read<Vec<StoredDocument>>, Error> {
    const DOING: &str = "looks documents up";
    let (mut known, mut session) = known_first(server, id, DOING).await?;
    if known.is_none() && !id.partition.is_whole() {
        // A partition that was never prepared has the build's documents all the same.
        let build = known_in(server, &id.whole(), &mut session, DOING).await?;
        known = build.map(|build| Known { checkpoint: None, ..build });
    }
    let Some(known) = known else { return Ok(Read { value: Vec::new(), checkpoint: None }) };
    let query = query(id, &known.indexes, find)?;
    let mut page = Vec::new();
    for filter in query.filters {
        let (documents, sort) = (server.read(&names::documents(id)), query.sort.clone());
        let rest = find.limit - page.len();
        if rest == 0 {
            break;
        }
        let work = |mut session| async move {
            let found = portion(&documents, &mut session, filter, sort, rest).await;
            (session, found)
        };
        for document in session.call(server, DOING, work).await? {
            page.push(document?);
        }
    }
    Ok(Read { value: page, checkpoint: known.checkpoint })
}

/// What is known of a projection, and the session in which to ask for its documents.
async fn known_first(
    server: &Server,
    id: &ProjectionId,
    doing: &'static str,
) -> Result<(Option<Known>, Session), Error> {
    let mut session = Session::causal(server, doing).await?;
    let known = known_in(server, id, &mut session, doing).await?;
    Ok((known, session))
}

async fn known_in(
    server: &Server,
    id: &ProjectionId,
    session: &mut Session,
    doing: &'static str,
) -> Result<Option<Known>, Error> {
    let (checkpoints, filter) = (server.read(CHECKPOINTS), known::filter(id));
    let work = |mut session| async move {
        let found = checkpoints.find_one(filter).session(&mut session).await;
        (session, found)
    };
    let found = session.call(server, doing, work).await?;
    known_of(found.as_ref())
}

async fn portion(
    documents: &Collection<RawDocumentBuf>,
    session: &mut ClientSession,
    filter: Document,
    sort: Document,
    limit: usize,
) -> DriverResult<Vec<Result<StoredDocument, Wrong>>> {
    // The protocol has 31 bits for it.
    let batch = u32::try_from(limit).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs());
    let mut cursor = documents
        .find(filter)
        .sort(sort)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch)
        .session(&mut *session)
        .await?;
    let mut found = Vec::new();
    while cursor.advance(session).await? {
        found.push(stored(cursor.current()));
    }
    Ok(found)
}

/// Documents for folding, in their newest state, traces of removed ones included. Many are read by several connections
/// at once, as they are written.
pub(crate) async fn load(
    server: &Server,
    id: &ProjectionId,
    keys: &[String],
) -> Result<Vec<StoredDocument>, Error> {
    let found = newest(server, &names::documents(id), keys, None, stored).await?;
    Ok(found.into_iter().collect::<Result<_, _>>()?)
}

/// Which of these documents there are, traces of removed ones included.
pub(crate) async fn known_keys(
    server: &Server,
    collection: &str,
    keys: &[String],
) -> Result<HashSet<String>, Failure> {
    let key = |document: &RawDocument| document.get_str("_id").unwrap_or_default().to_owned();
    Ok(newest(server, collection, keys, Some(doc! { "_id": 1 }), key).await?.into_iter().collect())
}

/// What there is of these documents, as the primary has it.
async fn newest<T: Send + 'static>(
    server: &Server,
    collection: &str,
    keys: &[String],
    fields: Option<Document>,
    read: impl Fn(&RawDocument) -> T + Copy + Send + 'static,
) -> Result<Vec<T>, Failure> {
    let documents = server.own(collection);
    let mut all = Vec::with_capacity(keys.len());
    let portions: Vec<&[String]> = in_portions(keys).collect();
    for portions in portions.chunks(AT_ONCE) {
        let mut running = JoinSet::new();
        for keys in portions {
            let (documents, filter) = (documents.clone(), doc! { "_id": { "$in": *keys } });
            let (most, fields) = (u32::try_from(keys.len()).unwrap_or(u32::MAX), fields.clone());
            let work = async move {
                let mut query = documents.find(filter).batch_size(most);
                if let Some(fields) = fields {
                    query = query.projection(fields);
                }
                let mut cursor = query.await?;
                let mut found = Vec::new();
                while cursor.advance().await? {
                    found.push(read(cursor.current()));
                }
                Ok(found)
            };
            let server = server.clone();
            running.spawn(async move { server.call("loads documents", work).await });
        }
        for found in running.join_all().await {
            all.extend(found?);
        }
    }
    Ok(all)
}

/// Keys in portions that fit a command.
fn in_portions(keys: &[String]) -> impl Iterator<Item = &[String]> {
    let most = keys.len().div_ceil(AT_ONCE).max(FEW);
    let mut rest = keys;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(most)
            .take_while(|key| {
                let first = bytes == 0;
                bytes += key.len() + 16;
                first || bytes <= KEY_BYTES
            })
            .count();
        let (portion, others) = rest.split_at(count);
        rest = others;
        (!portion.is_empty()).then_some(portion)
    })
}

fn known_of(found: Option<&RawDocumentBuf>) -> Result<Option<Known>, Error> {
    Ok(found.map(|found| Known::read(found)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_asked_for_in_portions_that_fit_a_command() {
        let of = |keys: &[String]| in_portions(keys).map(<[String]>::len).collect::<Vec<_>>();
        assert!(of(&[]).is_empty());
        assert_eq!(of(&[String::new(), "b".to_owned()]), [2]);
        let long = "x".repeat(KEY_BYTES);
        assert_eq!(of(&["a".to_owned(), long.clone(), long, "b".to_owned()]), [1, 1, 1, 1]);
        let half = "x".repeat(KEY_BYTES / 2 - 16);
        assert_eq!(of(&[half.clone(), half.clone(), half]), [2, 1]);
        assert_eq!(of(&vec!["a".to_owned(); 1000]), [250; 4]);
        assert_eq!(of(&vec!["a".to_owned(); 200]), [128, 72]);
    }
}
