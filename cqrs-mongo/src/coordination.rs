//! What the programs that share a database tell each other: one small document for each entry.

use std::time::Duration;

use cqrs_core::{
    envelope::Json,
    store::{BoxFuture, CoordinationStore, Entry, Error},
};
use mongodb::{
    Collection,
    bson::{Bson, Document, RawDocument, RawDocumentBuf, doc},
    options::WriteConcern,
};

use crate::{
    document::{Wrong, integer, number},
    error::code,
    names::COORDINATION,
    server::Server,
    store::MongoViewStore,
};

const READS: &str = "reads what programs tell each other";
const WRITES: &str = "tells other programs something";

/// An entry's own document. Documents are compared field by field, so that no two entries share one.
fn id(group: &str, key: &str) -> Document {
    doc! { "_id": { "group": group, "key": key } }
}

/// Picks an entry that still has this revision, as nobody else has put it since.
fn held(group: &str, key: &str, revision: u64) -> Document {
    let mut filter = id(group, key);
    filter.insert("revision", integer(revision));
    filter
}

/// The entries, on the primary, with majorities, whatever the store's options say of views.
///
/// Who holds a lease is decided by writes alone, each under the revision that it replaces: one that a majority has is not taken
/// back, and a primary that was voted out gets no majority for another one. So a read need not be linearizable: such a
/// primary may answer with an older entry for as long as it has not noticed, and whoever acts on that fails to write. What
/// a majority has acknowledged, the primary reads at once.
fn entries(server: &Server) -> Collection<RawDocumentBuf> {
    let mut concern = WriteConcern::majority();
    concern.w_timeout = server.write_concern.concern.w_timeout;
    let options = mongodb::options::CollectionOptions::builder()
        .read_concern(mongodb::options::ReadConcern::majority())
        .write_concern(concern)
        .selection_criteria(mongodb::options::SelectionCriteria::ReadPreference(
            mongodb::options::ReadPreference::Primary,
        ))
        .build();
    server.database.collection_with_options(COORDINATION, options)
}

async fn list(server: &Server, group: &str) -> Result<Vec<Entry>, Error> {
    let entries = entries(server);
    let keys = doc! { "$gte": { "group": group, "key": "" }, "$lt": { "group": group, "key": Bson::MaxKey } };
    // One clock tells both how late it is and when the entry was touched.
    let pipeline = [doc! { "$match": { "_id": keys } }, doc! { "$set": { "now": "$$NOW" } }];
    let work = async move {
        let mut found = Vec::new();
        let mut cursor = entries.aggregate(pipeline).await?;
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    };
    let found = server.call(READS, work).await?;
    let read = |document: &RawDocumentBuf| {
        entry(document).map_err(|error| Wrong::new(format!("what {COORDINATION} holds: {error}")))
    };
    let mut entries = found.iter().map(read).collect::<Result<Vec<Entry>, Wrong>>()?;
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(entries)
}

fn entry(document: &RawDocument) -> Result<Entry, Wrong> {
    let age = document.get_datetime("now")?.timestamp_millis()
        - document.get_datetime("touched")?.timestamp_millis();
    let revision = document.get("revision")?.and_then(number);
    let value = Json::from_text(document.get_str("value")?.to_owned());
    Ok(Entry {
        key: document.get_document("_id")?.get_str("key")?.to_owned(),
        revision: revision.ok_or_else(|| Wrong::new("`revision` is no number"))?,
        value: value.map_err(|error| Wrong::new(format!("`value` is no JSON: {error}")))?,
        // A clock that was put back makes an entry younger, and who waits for its end waits longer.
        age: Duration::from_millis(u64::try_from(age).unwrap_or(0)),
    })
}

async fn put(
    server: &Server,
    group: &str,
    key: &str,
    expected: u64,
    value: &Json,
) -> Result<Option<u64>, Error> {
    let (entries, filter, revision) = (entries(server), held(group, key, expected), expected + 1);
    let change = doc! {
        "$set": { "revision": integer(revision), "value": value.as_str() },
        "$currentDate": { "touched": true },
    };
    // No entry has the revision zero: one that is there is in the way of the insert.
    let work = async move { entries.update_one(filter, change).upsert(expected == 0).await };
    match server.call(WRITES, work).await {
        Ok(done) if done.matched_count == 1 || done.upserted_id.is_some() => Ok(Some(revision)),
        Ok(_) => Ok(None),
        Err(error) if error.code() == Some(code::DUPLICATE_KEY) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn touch(server: &Server, group: &str, touched: &[(String, u64)]) -> Result<Vec<bool>, Error> {
    let mut still = Vec::with_capacity(touched.len());
    for (key, revision) in touched {
        let (entries, filter) = (entries(server), held(group, key, *revision));
        let change = doc! { "$currentDate": { "touched": true } };
        let done = server.call(WRITES, async move { entries.update_one(filter, change).await }).await?;
        still.push(done.matched_count == 1);
    }
    Ok(still)
}

async fn remove(server: &Server, group: &str, key: &str, expected: u64) -> Result<bool, Error> {
    let (entries, filter) = (entries(server), held(group, key, expected));
    let done = server.call(WRITES, async move { entries.delete_one(filter).await }).await?;
    Ok(done.deleted_count == 1)
}

impl CoordinationStore for MongoViewStore {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(list(self.server(), group))
    }

    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move { put(self.server(), group, key, expected, &value).await })
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        Box::pin(touch(self.server(), group, held))
    }

    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(remove(self.server(), group, key, expected))
    }
}
