//! Answers to queries: first the checkpoint, then the documents, so that these are never older than it.
//!
//! A session makes that true also where the two are answered by different members of a replica set: the second question
//! waits until the member that gets it has all that the first answer came from.

use cqrs_core::store::{Checkpoint, Error, Find, ProjectionId, Read, StoredDocument};
use mongodb::{
    ClientSession, Collection,
    bson::{Document, RawDocumentBuf, doc},
    error::Result as DriverResult,
};

use crate::{
    document::{Wrong, stored},
    find::query,
    known::{self, Known},
    names::{self, CHECKPOINTS},
    server::Server,
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
    let (checkpoints, filter) = (server.read(CHECKPOINTS), known::filter(id));
    let (documents, by_key) = (server.read(&names::documents(id)), doc! { "_id": key });
    let client = server.client().clone();
    let work = async move {
        let mut session = client.start_session().causal_consistency(true).await?;
        let known = checkpoints.find_one(filter).session(&mut session).await?;
        let found = documents.find_one(by_key).session(&mut session).await?;
        Ok((known, found))
    };
    let (known, found) = server.call("reads a document", work).await?;
    let value = found.as_deref().map(stored).transpose()?.filter(|document| document.data.is_some());
    Ok(Read { value, checkpoint: known_of(known.as_ref())?.and_then(|known| known.checkpoint) })
}

/// A page of documents.
pub(crate) async fn find(
    server: &Server,
    id: &ProjectionId,
    find: &Find,
) -> Result<Read<Vec<StoredDocument>>, Error> {
    const DOING: &str = "looks documents up";
    let (checkpoints, filter) = (server.read(CHECKPOINTS), known::filter(id));
    let client = server.client().clone();
    let work = async move {
        let mut session = client.start_session().causal_consistency(true).await?;
        let known = checkpoints.find_one(filter).session(&mut session).await?;
        Ok((known, session))
    };
    let (known, session) = server.call(DOING, work).await?;
    let Some(known) = known_of(known.as_ref())? else {
        return Ok(Read { value: Vec::new(), checkpoint: None });
    };
    let query = query(id, &known.indexes, find)?;
    let documents = server.read(&names::documents(id));
    let limit = find.limit;
    let work = async move {
        let mut session = session;
        let mut page = Vec::new();
        for filter in query.filters {
            let rest = limit - page.len();
            if rest > 0 {
                take(&documents, &mut session, filter, &query.sort, rest, &mut page).await?;
            }
        }
        Ok(page)
    };
    let value = server.call(DOING, work).await?.into_iter().collect::<Result<_, Wrong>>()?;
    Ok(Read { value, checkpoint: known.checkpoint })
}

async fn take(
    documents: &Collection<RawDocumentBuf>,
    session: &mut ClientSession,
    filter: Document,
    sort: &Document,
    limit: usize,
    page: &mut Vec<Result<StoredDocument, Wrong>>,
) -> DriverResult<()> {
    let mut cursor = documents
        .find(filter)
        .sort(sort.clone())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(u32::try_from(limit).unwrap_or(u32::MAX))
        .session(&mut *session)
        .await?;
    while cursor.advance(session).await? {
        page.push(stored(cursor.current()));
    }
    Ok(())
}

/// Documents for folding, in their newest state, traces of removed ones included.
pub(crate) async fn load(
    server: &Server,
    id: &ProjectionId,
    keys: &[String],
) -> Result<Vec<StoredDocument>, Error> {
    let documents = server.own(&names::documents(id));
    let mut loaded = Vec::with_capacity(keys.len());
    for keys in in_portions(keys) {
        let (documents, filter) = (documents.clone(), doc! { "_id": { "$in": keys } });
        let most = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let work = async move {
            let mut cursor = documents.find(filter).batch_size(most).await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.push(stored(cursor.current()));
            }
            Ok(found)
        };
        for document in server.call("loads documents", work).await? {
            loaded.push(document?);
        }
    }
    Ok(loaded)
}

/// Keys in portions that fit a command.
fn in_portions(keys: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = keys;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let count = rest
            .iter()
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
    }
}
