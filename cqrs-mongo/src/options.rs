use std::time::Duration;

use cqrs_core::store::Error;
use mongodb::{
    Client,
    bson::serialize_to_raw_document_buf,
    options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern},
};

use crate::{
    server::{Acknowledged, Server},
    store::MongoViewStore,
    url,
};

/// When a batch is written in a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transactions {
    /// Where the deployment has them, which replica sets and sharded clusters do. The transaction of a program that is
    /// killed stays open until the server ends it, 60 s by default, and holds up its successor for so long.
    Auto,
    /// Never, the default: what comes of a batch may be read before its checkpoint is.
    #[default]
    Never,
    /// Always; a deployment that has none is refused.
    Always,
}

/// How a [`MongoViewStore`] works; begun with [`MongoViewStore::options`].
///
/// What the URL says (`maxPoolSize`, `appName`, `w`, `readConcernLevel`, `readPreference`, time-outs…) takes the place of a
/// default, and what is set here takes the place of both.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing before `connect`"]
pub struct ViewStoreOptions {
    transactions: Transactions,
    read_concern: Option<ReadConcern>,
    write_concern: Option<WriteConcern>,
    read_preference: Option<ReadPreference>,
    connections: Option<u32>,
    app_name: Option<String>,
    server_selection_timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    timeout: Option<Duration>,
    poll_interval: Option<Duration>,
    document_bytes: Option<usize>,
}

const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
const CONNECTIONS: u32 = 16;

impl ViewStoreOptions {
    /// When a batch is written in a transaction; [`Transactions::Never`] by default.
    pub const fn transactions(mut self, transactions: Transactions) -> Self {
        self.transactions = transactions;
        self
    }

    /// What queries may see; by default only what a majority of the members has (`majority`), which no failover takes
    /// back. With `local`, a query may see what a failover then takes back, and a later one sees less.
    pub fn read_concern(mut self, concern: ReadConcern) -> Self {
        self.read_concern = Some(concern);
        self
    }

    /// What a batch waits for; by default that a majority of the members has it (`majority`), at most 10 seconds for each
    /// command. With `w: 1`, a failover may take batches back: checkpoints and documents, but not always both, so that a
    /// document may lack events for ever. `w: 0` is refused.
    pub fn write_concern(mut self, concern: WriteConcern) -> Self {
        self.write_concern = Some(concern);
        self
    }

    /// Which members answer queries; the primary by default. With others, an answer is still never older than the checkpoint
    /// that it comes with, and a query with a token waits until the member that it asks is as far. Projections fold on the
    /// documents of the primary; one that begins with the checkpoint of a member that lags finds out when it writes, and
    /// looks again.
    pub fn read_preference(mut self, preference: ReadPreference) -> Self {
        self.read_preference = Some(preference);
        self
    }

    /// The most connections to each server; 16 by default. At least 1.
    pub const fn connections(mut self, connections: u32) -> Self {
        self.connections = Some(if connections == 0 { 1 } else { connections });
        self
    }

    /// What the server's logs call this program; `cqrs` by default.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = Some(name.into());
        self
    }

    /// How long to look for a server that can do what is asked for; 5 seconds by default.
    pub const fn server_selection_timeout(mut self, timeout: Duration) -> Self {
        self.server_selection_timeout = Some(timeout);
        self
    }

    /// How long to wait for a new connection; 5 seconds by default.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How long one command may take, the search for a server included; 20 seconds by default. Beyond it, the call fails
    /// with [`Error::Unavailable`], and may be repeated.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often to look for the batches of other processes, while somebody [watches]; 10 milliseconds by default.
    ///
    /// [watches]: cqrs_core::store::ViewStore::watch
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = Some(interval);
        self
    }

    /// The largest document, in bytes of BSON; MongoDB's own limit by default, 16 MiB, which is also the most.
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.document_bytes = Some(bytes);
        self
    }

    /// Connects to the database that the URL names in its path, such as `mongodb://localhost/orders`. It need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL that is none or names no database, a login that is refused, a server before MongoDB
    /// 5.0, and for [`Transactions::Always`] where there are none; [`Error::Unavailable`] where no server answers.
    pub async fn connect(self, url: &str) -> Result<MongoViewStore, Error> {
        let mut client = url::parse(url).await?;
        let Some(name) = client.default_database.clone() else {
            return Err(Error::invalid(
                "MongoDB's URL names no database: put it into the path, as in mongodb://localhost/orders",
            ));
        };
        let read_concern = self
            .read_concern
            .clone()
            .or_else(|| client.read_concern.take())
            .unwrap_or_else(ReadConcern::majority);
        let write_concern = acknowledged(self.write_concern.clone().or_else(|| client.write_concern.take()))?;
        let readers = match self.read_preference.clone() {
            Some(preference) => SelectionCriteria::ReadPreference(preference),
            None => client
                .selection_criteria
                .take()
                .unwrap_or(SelectionCriteria::ReadPreference(ReadPreference::Primary)),
        };
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        self.apply(&mut client);
        let place = url::place(&client, &name);
        let client = Client::with_options(client).map_err(|error| Error::invalid(error.kind.to_string()))?;
        let database = client.database(&name);
        let limits = Server::greet(&database, &place, timeout).await?;
        let in_transactions = match self.transactions {
            Transactions::Auto => limits.has_transactions,
            Transactions::Never => false,
            Transactions::Always if limits.has_transactions => true,
            Transactions::Always => {
                return Err(Error::invalid(
                    "this MongoDB is a server by itself, which has no transactions: make it a replica set, which may \
                     have one member, or don't ask for `Transactions::Always`",
                ));
            }
        };
        let document_bytes =
            self.document_bytes.map_or(limits.document_bytes, |bytes| bytes.min(limits.document_bytes));
        let server = Server { database, place, limits, timeout, read_concern, write_concern, readers };
        let poll_interval = self.poll_interval.unwrap_or(POLL_INTERVAL);
        Ok(MongoViewStore::new(server, in_transactions, document_bytes, poll_interval))
    }

    fn apply(&self, client: &mut ClientOptions) {
        fn set<T: Clone>(place: &mut Option<T>, chosen: Option<&T>, default: T) {
            if let Some(chosen) = chosen {
                *place = Some(chosen.clone());
            } else {
                place.get_or_insert(default);
            }
        }
        set(&mut client.max_pool_size, self.connections.as_ref(), CONNECTIONS);
        set(&mut client.app_name, self.app_name.as_ref(), "cqrs".to_owned());
        let selection = self.server_selection_timeout.as_ref();
        set(&mut client.server_selection_timeout, selection, SERVER_SELECTION_TIMEOUT);
        set(&mut client.connect_timeout, self.connect_timeout.as_ref(), CONNECT_TIMEOUT);
    }
}

fn acknowledged(chosen: Option<WriteConcern>) -> Result<Acknowledged, Error> {
    let mut concern = chosen.unwrap_or_default();
    if concern.w == Some(Acknowledgment::Nodes(0)) {
        return Err(Error::invalid(
            "with the write concern `w: 0` nobody knows whether a batch was written: choose another one",
        ));
    }
    concern.w.get_or_insert(Acknowledgment::Majority);
    concern.w_timeout.get_or_insert(WRITE_TIMEOUT);
    let raw = serialize_to_raw_document_buf(&concern)
        .map_err(|error| Error::invalid(format!("the write concern: {error}")))?;
    Ok(Acknowledged { concern, raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_wait_for_a_majority_in_bounded_time_unless_told_otherwise() {
        let default = acknowledged(None).expect("sound");
        assert_eq!(default.raw.get_str("w").ok(), Some("majority"));
        assert!(default.raw.get("wtimeout").expect("sound").is_some(), "{:?}", default.concern);
        let one = acknowledged(Some(WriteConcern::nodes(1))).expect("sound");
        assert_eq!(one.concern.w, Some(Acknowledgment::Nodes(1)));
        assert_eq!(one.concern.w_timeout, Some(WRITE_TIMEOUT));
        acknowledged(Some(WriteConcern::nodes(0))).err().expect("nobody would know");
    }
}
