use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use cqrs_core::store::{BoxFuture, Error};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};

use super::{Failure, Schema, Server, Session, Settings, Trouble, timed_out};

/// A bounded number of connections, opened as they are needed.
///
/// sqlx's own pool asks the server whether a connection is alive each time that it is given back (and, by default, when
/// it is taken): one or two round trips more for each statement. Here a dead connection is found out by the statement,
/// which is then repeated on another one.
pub(crate) struct Connections {
    server: Server,
    permits: Arc<Semaphore>,
    /// The one used last at the end.
    idle: Mutex<Vec<Session>>,
}

impl Connections {
    pub(crate) fn new(server: Server, most: u32) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(most.max(1) as usize));
        Arc::new(Self { server, permits, idle: Mutex::default() })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Takes an idle connection or opens one, until the deadline.
    pub(crate) async fn take(self: &Arc<Self>, deadline: Instant) -> sqlx::Result<Lease> {
        let permit = timeout_at(deadline.into(), Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let session = match self.idle_session() {
            Some(session) => session,
            None => self.server.connect(deadline).await?,
        };
        Ok(Lease { session: Some(session), permit, connections: Arc::clone(self) })
    }

    fn idle_session(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let last = idle.pop().filter(Session::is_fresh);
        if last.is_none() {
            // All others have waited even longer, or will be found out as soon as they are needed.
            idle.retain(Session::is_fresh);
        }
        last
    }

    fn put_back(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.first().is_some_and(|first| !first.is_fresh()) {
            idle.retain(Session::is_fresh);
        }
        if session.is_fresh() {
            idle.push(session);
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("free", &self.permits.available_permits()).finish_non_exhaustive()
    }
}

/// A connection for the time being. Unless it is [given back](Self::give_back), it is closed: a statement that was left
/// half-way must not be met by the next one.
#[derive(Debug)]
pub(crate) struct Lease {
    session: Option<Session>,
    permit: OwnedSemaphorePermit,
    connections: Arc<Connections>,
}

const HELD: &str = "a lease has its session until it is given back";

impl Lease {
    pub(crate) fn give_back(mut self) {
        self.connections.put_back(self.session.take().expect(HELD));
        drop(self.permit);
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect(HELD)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect(HELD)
    }
}

/// A schema on a server, with connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) schema: Schema,
    pub(crate) connections: Arc<Connections>,
    /// The runtime that the connections live on.
    pub(crate) runtime: Handle,
}

impl Database {
    /// Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL or a schema that can't be used, and outside of a runtime of tokio.
    pub(crate) fn new(url: &str, settings: &Settings) -> Result<Self, Error> {
        let schema = Schema::new(&settings.schema)?;
        let connections = Connections::new(Server::new(url, settings)?, settings.connections);
        let runtime = Handle::try_current().map_err(|error| {
            Error::invalid(format!("a store on PostgreSQL needs a runtime of tokio: {error}"))
        })?;
        Ok(Self { schema, connections, runtime })
    }

    /// Host, port and name, for errors.
    pub(crate) fn place(&self) -> &Arc<str> {
        self.connections.server().place()
    }

    /// Does what may be done twice, such as reading: where the connection is lost, on another one again.
    ///
    /// It goes on when the caller stops waiting, so that neither a dropped call costs a connection, nor one that is never
    /// polled again keeps it.
    pub(crate) async fn run<T, W>(&self, doing: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'s> FnMut(&'s mut Session) -> BoxFuture<'s, sqlx::Result<T>> + Send + 'static,
    {
        let connections = Arc::clone(&self.connections);
        let done = self.runtime.spawn(async move { connections.run(work).await });
        match done.await {
            Ok(done) => done.map_err(|error| Failure::new(doing, error).at(self.place()).into()),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Closed),
            },
        }
    }
}

impl Connections {
    /// Does what may be done twice: where the connection is lost, on another one again.
    pub(crate) async fn run<T, W>(self: &Arc<Self>, mut work: W) -> sqlx::Result<T>
    where
        W: for<'s> FnMut(&'s mut Session) -> BoxFuture<'s, sqlx::Result<T>> + Send,
    {
        let patience = self.server.timeout();
        let deadline = Instant::now() + patience;
        loop {
            let mut lease = self.take(deadline).await?;
            let error = match timeout_at(deadline.into(), work(&mut lease)).await {
                Ok(Ok(done)) => {
                    lease.give_back();
                    return Ok(done);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(timed_out(patience)),
            };
            match Trouble::of(&error) {
                Trouble::Lost if Instant::now() < deadline => drop(lease),
                Trouble::Collision if Instant::now() < deadline => lease.give_back(),
                // The server may not be the right one any more, so the next call looks for it anew.
                Trouble::Lost | Trouble::Passing => return Err(error),
                _ => {
                    lease.give_back();
                    return Err(error);
                }
            }
        }
    }
}
