use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::Json,
    store::{BoxFuture, CoordinationStore, Entry, Error},
};
use rusqlite::{Connection, Row, params, types::Type};

use super::{SqliteViewStore, statements};
use crate::file::{Doing, Lane, integer, number, wrong};

const PUTS: &str = "puts an entry";
const READS: &str = "reads entries";
const REMOVES: &str = "removes an entry";
const TOUCHES: &str = "touches entries";

/// Their age goes by the clock of the machine, which all programs that use the file share.
impl CoordinationStore for SqliteViewStore {
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let group = group.to_owned();
            let read = move |connection: &Connection| entries(connection, &group).doing(READS);
            self.readers.read(Lane::Point, READS, read).await
        })
    }

    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move {
            let (group, key) = (group.to_owned(), key.to_owned());
            let put = move |connection: &Connection| {
                let put = if expected == 0 {
                    connection.prepare_cached(statements::ADD_ENTRY)?.execute(params![
                        group,
                        key,
                        value.as_str()
                    ])?
                } else {
                    connection.prepare_cached(statements::CHANGE_ENTRY)?.execute(params![
                        group,
                        key,
                        integer(expected),
                        value.as_str()
                    ])?
                };
                Ok((put > 0).then_some(expected + 1))
            };
            self.write(PUTS, put).await
        })
    }

    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>> {
        Box::pin(async move {
            let (group, held): (String, Arc<[_]>) = (group.to_owned(), held.into());
            let touch = move |connection: &Connection| {
                // One statement for each is as fast here as one for all.
                let mut touch = connection.prepare_cached(statements::TOUCH_ENTRY)?;
                let each = held
                    .iter()
                    .map(|(key, revision)| Ok(touch.execute(params![group, key, integer(*revision)])? > 0));
                each.collect()
            };
            self.write(TOUCHES, touch).await
        })
    }

    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let (group, key) = (group.to_owned(), key.to_owned());
            let remove = move |connection: &Connection| {
                let mut remove = connection.prepare_cached(statements::REMOVE_ENTRY)?;
                Ok(remove.execute(params![group, key, integer(expected)])? > 0)
            };
            self.write(REMOVES, remove).await
        })
    }
}

fn entries(connection: &Connection, group: &str) -> rusqlite::Result<Vec<Entry>> {
    connection.prepare_cached(statements::ENTRIES)?.query_map([group], entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: row.get(0)?,
        revision: number(row, 1)?,
        value: Json::from_store(row.get::<_, String>(2)?),
        age: Duration::try_from_secs_f64(row.get(3)?).map_err(|error| wrong(3, Type::Real, error))?,
    })
}
