use std::{ops::Deref, sync::Mutex};

use peers_harness::Failure;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls, Statement};

use crate::contenders::pool::MOST;

/// Connects, and keeps the connection going beside.
pub(super) async fn connect(place: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(place, NoTls).await?;
    // It ends with the client; an error of it is an error of the statement that waits for an answer.
    tokio::spawn(connection);
    Ok(client)
}

/// A connection for each task, with its statements prepared.
pub(super) struct Connections {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) statements: Vec<Statement>,
}

impl Connections {
    pub(super) async fn open(place: &str, tasks: usize, statements: &[&str]) -> Result<Self, Failure> {
        let count = tasks.clamp(1, MOST);
        let mut idle = Vec::with_capacity(count);
        for _ in 0..count {
            let client = connect(place).await?;
            let mut prepared = Vec::with_capacity(statements.len());
            for statement in statements {
                prepared.push(client.prepare(statement).await?);
            }
            idle.push(Connection { client, statements: prepared });
        }
        Ok(Self { idle: Mutex::new(idle), permits: Semaphore::new(count) })
    }

    /// Waits for a connection that nobody uses.
    pub(super) async fn get(&self) -> Result<Borrowed<'_>, Failure> {
        let permit = self.permits.acquire().await?;
        let connection = self.idle.lock().map_err(|_| "a task panicked")?.pop();
        let connection = Some(connection.ok_or("there are fewer connections than permits")?);
        Ok(Borrowed { from: self, connection, _permit: permit })
    }
}

/// Goes back when it is dropped.
pub(super) struct Borrowed<'a> {
    from: &'a Connections,
    connection: Option<Connection>,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Borrowed<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is taken only on drop")
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let (Some(connection), Ok(mut idle)) = (self.connection.take(), self.from.idle.lock()) {
            idle.push(connection);
        }
    }
}
