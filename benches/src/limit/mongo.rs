//! What MongoDB can do at the most: bulk writes by its `update` command, each document guarded by its position.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt as _;
use mongodb::{
    Client, Collection, Database, IndexModel,
    bson::{Bson, Document, RawDocumentBuf, doc},
};

use crate::{Failure, catch_up::Write, domain::OrderSummary};

const COLLECTION: &str = "order_summary";

pub(crate) async fn open(url: &str) -> Result<Database, Failure> {
    let client = Client::with_uri_str(url).await?;
    Ok(client.default_database().ok_or("the URL of a MongoDB names a database")?)
}

/// The collection, with the index that the framework's projection has too.
pub(crate) async fn prepare(url: &str) -> Result<Database, Failure> {
    let database = open(url).await?;
    let index = IndexModel::builder().keys(doc! { "customer": 1 }).build();
    collection(&database).create_index(index).await?;
    Ok(database)
}

pub(crate) fn collection(database: &Database) -> Collection<Document> {
    database.collection(COLLECTION)
}

/// The command that writes all of them, as it goes over the wire.
pub(crate) fn update(writes: &[Write]) -> Result<RawDocumentBuf, Failure> {
    let updates: Vec<Bson> = writes
        .iter()
        .map(|Write { key, applied, view }| {
            let applied = i64::try_from(*applied)?;
            let document = doc! {
                "_id": key,
                "applied": applied,
                "customer": &view.customer,
                "lines": i64::try_from(view.lines)?,
                "total_cents": view.total_cents,
                "last_sku": &view.last_sku,
            };
            let guard = doc! { "_id": key, "applied": { "$lt": applied } };
            Ok(doc! { "q": guard, "u": document, "upsert": true }.into())
        })
        .collect::<Result<_, Failure>>()?;
    let command = doc! {
        "update": COLLECTION,
        "updates": updates,
        "ordered": false,
        "writeConcern": { "w": "majority" },
    };
    Ok(RawDocumentBuf::try_from(&command)?)
}

/// Writes all batches, one after the other, and checks what came of it.
pub(crate) async fn write(
    url: &str,
    batches: &[Vec<Write>],
    expected: &HashMap<String, OrderSummary>,
) -> Result<Duration, Failure> {
    let database = prepare(url).await?;
    let commands: Vec<RawDocumentBuf> =
        batches.iter().map(|writes| update(writes)).collect::<Result<_, _>>()?;

    let started = Instant::now();
    for command in commands {
        run(&database, command).await?;
    }
    let took = started.elapsed();

    let mut documents = collection(&database).find(doc! {}).await?;
    let mut count = 0;
    while let Some(document) = documents.try_next().await? {
        let view = OrderSummary {
            customer: document.get_str("customer")?.to_owned(),
            lines: u64::try_from(document.get_i64("lines")?)?,
            total_cents: document.get_i64("total_cents")?,
            last_sku: document.get_str("last_sku")?.to_owned(),
        };
        if expected.get(document.get_str("_id")?) != Some(&view) {
            return Err("MongoDB's limit has written something else".into());
        }
        count += 1;
    }
    if count == expected.len() { Ok(took) } else { Err("MongoDB's limit has left views out".into()) }
}

/// A command may fail in part, which its answer says.
pub(crate) async fn run(database: &Database, command: RawDocumentBuf) -> Result<(), Failure> {
    let answer = database.run_raw_command(command).await?;
    if answer.contains_key("writeErrors") || answer.contains_key("writeConcernError") {
        return Err(format!("MongoDB's limit was not written: {answer}").into());
    }
    Ok(())
}
