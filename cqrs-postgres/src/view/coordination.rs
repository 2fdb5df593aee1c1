use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Json,
    store::{BoxFuture, CoordinationStore, Entry, Error},
};
use sqlx::postgres::PgRow;

use super::{
    PostgresViewStore,
    convert::{escaped, unescaped},
};
use crate::database::{Column as _, Text, integer};

/// Their age goes by the clock of the server.
impl CoordinationStore for PostgresViewStore {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let (statements, group) = (Arc::clone(&self.statements), Arc::<str>::from(escaped(group)));
            let read = self.database.run("reads entries", move |session| {
                let (statements, group) = (Arc::clone(&statements), Arc::clone(&group));
                Box::pin(async move {
                    let query = session.query(&statements.entries).bind(&*group);
                    session.fetch(query).await?.iter().map(entry).collect::<sqlx::Result<Vec<_>>>()
                })
            });
            let mut entries = read.await?;
            // What is escaped sorts otherwise.
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(entries)
        })
    }

    /// Where the connection is lost and the statement repeated, what was put may count as another's.
    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move {
            let put = Arc::new((escaped(group), escaped(key), value));
            let statements = Arc::clone(&self.statements);
            let put = self.database.run("puts an entry", move |session| {
                let (statements, put) = (Arc::clone(&statements), Arc::clone(&put));
                Box::pin(async move {
                    let (group, key, value) = &*put;
                    let sql = if expected == 0 { &statements.add_entry } else { &statements.change_entry };
                    let mut query = session.query(sql).bind(group).bind(key);
                    if expected > 0 {
                        query = query.bind(integer(expected));
                    }
                    let rows = session.fetch(query.bind(Text(value.as_str()))).await?;
                    rows.first().map(|row| row.u64(0)).transpose()
                })
            });
            put.await
        })
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        Box::pin(async move {
            if held.is_empty() {
                return Ok(Vec::new());
            }
            let keys = held.iter().map(|(key, _)| escaped(key)).collect();
            let revisions = held.iter().map(|(_, revision)| integer(*revision)).collect();
            let touch: Arc<(String, Vec<String>, Vec<i64>)> = Arc::new((escaped(group), keys, revisions));
            let statements = Arc::clone(&self.statements);
            let touched = self.database.run("touches entries", move |session| {
                let (statements, touch) = (Arc::clone(&statements), Arc::clone(&touch));
                Box::pin(async move {
                    let (group, keys, revisions) = &*touch;
                    let query =
                        session.query(&statements.touch_entries).bind(group).bind(keys).bind(revisions);
                    let rows = session.fetch(query).await?;
                    let touched = rows.iter().map(|row| Ok((unescaped(row.text(0)?), row.u64(1)?)));
                    touched.collect::<sqlx::Result<Vec<_>>>()
                })
            });
            let touched = touched.await?;
            Ok(held.iter().map(|held| touched.contains(held)).collect())
        })
    }

    /// Where the connection is lost and the statement repeated, what was removed may count as removed by another.
    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let place = Arc::new((escaped(group), escaped(key)));
            let statements = Arc::clone(&self.statements);
            let removed = self.database.run("removes an entry", move |session| {
                let (statements, place) = (Arc::clone(&statements), Arc::clone(&place));
                Box::pin(async move {
                    let (group, key) = &*place;
                    let query =
                        session.query(&statements.remove_entry).bind(group).bind(key).bind(integer(expected));
                    Ok(!session.fetch(query).await?.is_empty())
                })
            });
            removed.await
        })
    }
}

/// Reads a row of `entries.sql`.
fn entry(row: &PgRow) -> sqlx::Result<Entry> {
    Ok(Entry {
        key: unescaped(row.text(0)?),
        revision: row.u64(1)?,
        value: Json::from_store(row.text(2)?),
        age: Duration::from_micros(row.u64(3)?),
    })
}
