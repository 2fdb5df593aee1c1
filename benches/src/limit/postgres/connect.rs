//! Connections that have their statements ready, without a pool's checks.

use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    Failure,
    domain::{LineAdded, Tally},
    limit::METADATA,
};

/// A connection without statements.
pub(crate) async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // What a broken connection is asked is answered with an error, so nobody needs its own.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// A connection with all statements of the limits prepared.
pub(crate) struct Connection {
    client: Client,
    insert: Statement,
    load: Statement,
    load_one: Statement,
    pub(super) load_joined: Statement,
    pub(super) append: Statement,
    pub(super) append_told: Statement,
    pub(super) append_checked: Statement,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        let client = connect(url).await?;
        Ok(Self {
            insert: client.prepare(include_str!("insert.sql")).await?,
            load: client.prepare(include_str!("load.sql")).await?,
            load_one: client.prepare(include_str!("load_one.sql")).await?,
            load_joined: client.prepare(include_str!("load_joined.sql")).await?,
            append: client.prepare(include_str!("append.sql")).await?,
            append_told: client.prepare(include_str!("append_told.sql")).await?,
            append_checked: client.prepare(include_str!("append_checked.sql")).await?,
            client,
        })
    }

    /// Adds the `number`th line to a stream that is like this, and commits, or leaves it to the transaction.
    pub(crate) async fn add(&self, stream: &str, mut tally: Tally, number: u64) -> Result<(), Failure> {
        let line = LineAdded::sample(number);
        tally.add(&line);
        let (version, data) = (i64::try_from(tally.lines)?, serde_json::to_string(&line)?);
        self.execute(&self.insert, &[&stream, &version, &"line_added", &data, &METADATA]).await?;
        Ok(())
    }

    /// Loads one stream.
    pub(crate) async fn tally(&self, stream: &str) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        for row in self.query(&self.load, &[&stream]).await? {
            tally.add(&serde_json::from_str(row.get(0))?);
        }
        Ok(tally)
    }

    /// Loads the first event of a stream.
    pub(crate) async fn one_row(&self, stream: &str) -> Result<(), Failure> {
        let row = self.query_one(&self.load_one, &[&stream]).await?;
        serde_json::from_str::<LineAdded>(row.get(0))?;
        Ok(())
    }

    pub(super) async fn many(url: &str, count: usize) -> Result<Vec<Self>, Failure> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Self::open(url).await?);
        }
        Ok(connections)
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Connections that one caller at a time has for itself, for transactions.
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

pub(super) struct Lent<'a> {
    connection: Option<Connection>,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self { permits: Semaphore::new(connections.len()), idle: Mutex::new(connections) }
    }

    pub(super) async fn lend(&self) -> Result<Lent<'_>, Failure> {
        let permit = self.permits.acquire().await?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lent { connection, pool: self, _permit: permit })
    }
}

impl Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("as many permits as connections")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(connection);
    }
}
