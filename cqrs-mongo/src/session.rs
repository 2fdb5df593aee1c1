use std::future::Future;

use mongodb::{ClientSession, error::Result as DriverResult};

use crate::{error::Failure, server::Server};

/// A session in which one thing is done after the other.
///
/// What is done gets the session and gives it back: a call that takes too long goes on without its caller, and keeps it.
pub(crate) struct Session(Option<ClientSession>);

impl Session {
    /// One whose reads each see at least what the reads before have seen, also where another member answers.
    pub(crate) async fn causal(server: &Server, doing: &'static str) -> Result<Self, Failure> {
        Self::start(server, doing, true).await
    }

    /// One for a transaction.
    pub(crate) async fn plain(server: &Server, doing: &'static str) -> Result<Self, Failure> {
        Self::start(server, doing, false).await
    }

    async fn start(server: &Server, doing: &'static str, causal: bool) -> Result<Self, Failure> {
        // It takes one from the driver's pool, and asks nobody.
        let started = server.client().start_session().causal_consistency(causal).await;
        started
            .map(|session| Self(Some(session)))
            .map_err(|error| Failure::driver(doing, error).at(&server.place))
    }

    pub(crate) async fn call<T, W>(
        &mut self,
        server: &Server,
        doing: &'static str,
        work: impl FnOnce(ClientSession) -> W,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Future<Output = (ClientSession, DriverResult<T>)> + Send + 'static,
    {
        let Some(session) = self.0.take() else {
            return Err(Failure::nonsense(doing, "the session was given up"));
        };
        let work = work(session);
        let (session, done) = server.call(doing, async move { Ok(work.await) }).await?;
        self.0 = Some(session);
        done.map_err(|error| Failure::driver(doing, error).at(&server.place))
    }
}
