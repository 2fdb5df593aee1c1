use std::{future::Future, sync::Arc, time::Duration};

use cqrs_core::store::Error;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, RawDocumentBuf, doc},
    options::{ReadConcern, SelectionCriteria, WriteConcern},
};

use crate::error::Failure;

/// MongoDB 5.0.
const OLDEST_WIRE_VERSION: i32 = 13;

/// A database, and what was agreed on for the ways to it.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) database: Database,
    /// Hosts and database, for errors.
    pub(crate) place: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) timeout: Duration,
    pub(crate) read_concern: ReadConcern,
    pub(crate) write_concern: Acknowledged,
    /// Where queries go.
    pub(crate) readers: SelectionCriteria,
}

/// What a write waits for; never for nothing.
#[derive(Clone)]
pub(crate) struct Acknowledged {
    pub(crate) concern: WriteConcern,
    /// The same for commands that the driver does not know.
    pub(crate) raw: RawDocumentBuf,
}

/// What a server takes, by its own words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) document_bytes: usize,
    pub(crate) statements: usize,
    pub(crate) has_transactions: bool,
}

impl Server {
    /// Asks the server what it is.
    pub(crate) async fn greet(
        database: &Database,
        place: &Arc<str>,
        timeout: Duration,
    ) -> Result<Limits, Error> {
        const DOING: &str = "connects";
        let asked = database.clone();
        let greeting = within(timeout, DOING, async move { asked.run_command(doc! { "hello": 1 }).await });
        Limits::of(&greeting.await.map_err(|failure| failure.at(place))?)
    }

    /// Does something with the server, in bounded time. It is done to its end also where nobody waits for it any more:
    /// the driver's futures must not be dropped half-way.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, Failure> {
        within(self.timeout, doing, work).await.map_err(|failure| failure.at(&self.place))
    }

    /// For how long the server may work on a command of ours (`maxTimeMS`): no longer than anybody waits for it.
    pub(crate) fn max_time_ms(&self) -> i64 {
        i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX))
    }

    pub(crate) fn client(&self) -> &Client {
        self.database.client()
    }

    /// A collection as queries read it.
    pub(crate) fn read(&self, name: &str) -> Collection<RawDocumentBuf> {
        let options = mongodb::options::CollectionOptions::builder()
            .read_concern(self.read_concern.clone())
            .selection_criteria(self.readers.clone())
            .build();
        self.database.collection_with_options(name, options)
    }

    /// A collection as projections work with it: always the newest state, which is the primary's.
    pub(crate) fn own(&self, name: &str) -> Collection<Document> {
        let options = mongodb::options::CollectionOptions::builder()
            .read_concern(ReadConcern::local())
            .write_concern(self.write_concern.concern.clone())
            .selection_criteria(SelectionCriteria::ReadPreference(mongodb::options::ReadPreference::Primary))
            .build();
        self.database.collection_with_options(name, options)
    }
}

impl Limits {
    fn of(greeting: &Document) -> Result<Self, Error> {
        let number = |name: &str| {
            greeting.get(name).and_then(|value| {
                value.as_i64().or_else(|| value.as_i32().map(i64::from)).or_else(|| whole(value.as_f64()?))
            })
        };
        let version = number("maxWireVersion").unwrap_or_default();
        if version < OLDEST_WIRE_VERSION.into() {
            return Err(Error::invalid(format!(
                "this store needs MongoDB 5.0 or later, but the server speaks version {version} of the protocol; 5.0 \
                 speaks {OLDEST_WIRE_VERSION}"
            )));
        }
        let limit = |name: &str, default: usize| {
            number(name).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default)
        };
        Ok(Self {
            document_bytes: limit("maxBsonObjectSize", 16 << 20),
            statements: limit("maxWriteBatchSize", 100_000).max(1),
            has_transactions: greeting.contains_key("setName")
                || greeting.get_str("msg").is_ok_and(|message| message == "isdbgrid"),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "limits are far smaller")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0).then_some(number as i64)
}

async fn within<T: Send + 'static>(
    timeout: Duration,
    doing: &'static str,
    work: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, tokio::spawn(work)).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(Failure::driver(doing, error)),
        Ok(Err(error)) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::ended(doing)),
        },
        Err(_) => Err(Failure::silence(doing, timeout)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_before_5_0_is_refused() {
        let greeting = doc! { "maxWireVersion": 9, "maxBsonObjectSize": 16_777_216 };
        let error = Limits::of(&greeting).expect_err("it is 4.4");
        assert!(error.to_string().contains("5.0"), "{error}");
    }

    #[test]
    fn replica_sets_and_sharded_clusters_have_transactions() {
        let of = |more: Document| {
            let mut greeting = doc! { "maxWireVersion": 13, "maxWriteBatchSize": 7.0 };
            greeting.extend(more);
            Limits::of(&greeting).expect("new enough")
        };
        assert!(!of(doc! {}).has_transactions);
        assert!(of(doc! { "setName": "rs0" }).has_transactions);
        assert!(of(doc! { "msg": "isdbgrid" }).has_transactions);
        assert_eq!(of(doc! {}).statements, 7);
    }
}
