use std::{future::Future, time::Duration};

use cqrs_core::{
    app::App,
    domain::Projection,
    query::{Answer, Freshness, LiveView, Page, QueryError, View, ViewQuery, Views, ViewsQuery},
};
use tokio::time::Instant;

use crate::{Code, Problem, Wish};

/// Answers queries as fresh as a [`Wish`] asks for, by a process that knows the log or by one that has the read store
/// alone. Cheap to clone; the state of a router.
#[derive(Clone, Debug)]
pub struct Queries {
    source: Source,
    patience: Duration,
}

#[derive(Clone, Debug)]
enum Source {
    App(App),
    Views(Views),
}

impl From<App> for Queries {
    fn from(app: App) -> Self {
        Self { source: Source::App(app), patience: Self::PATIENCE }
    }
}

impl From<Views> for Queries {
    fn from(views: Views) -> Self {
        Self { source: Source::Views(views), patience: Self::PATIENCE }
    }
}

impl Queries {
    /// How long the read store may take where nothing else is said.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// How long the read store may take beyond what a query agreed to wait. Default: 5 s.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Queries one view.
    ///
    /// # Errors
    ///
    /// A [`Problem`], which a handler returns.
    pub async fn view<P: Projection>(
        &self,
        key: &P::Key,
        wish: Wish,
    ) -> Result<Answer<Option<View<P>>>, Problem> {
        fn demand<P: Projection, From>(
            query: ViewQuery<P, From>,
            freshness: Freshness,
            within: Duration,
            or_stale: bool,
        ) -> ViewQuery<P, From> {
            let query = query.freshness(freshness).within(within);
            if or_stale { query.or_stale() } else { query }
        }
        self.meet(wish, |freshness, within| async move {
            match &self.source {
                Source::App(app) => demand(app.view::<P>(key), freshness, within, wish.or_stale).await,
                Source::Views(views) => demand(views.view::<P>(key), freshness, within, wish.or_stale).await,
            }
        })
        .await
    }

    /// Queries a page of views; `find` says which: its conditions, order, limit and cursor.
    ///
    /// # Errors
    ///
    /// A [`Problem`], which a handler returns.
    pub async fn views<P: Projection>(
        &self,
        wish: Wish,
        find: impl Fn(ViewsQuery<P>) -> ViewsQuery<P>,
    ) -> Result<Answer<Page<P>>, Problem> {
        self.meet(wish, |freshness, within| {
            let query = match &self.source {
                Source::App(app) => app.views::<P>(),
                Source::Views(views) => views.views::<P>(),
            };
            let query = find(query).freshness(freshness).within(within);
            async move { if wish.or_stale { query.or_stale().await } else { query.await } }
        })
        .await
    }

    /// Watches one view; [`LiveStreams`](crate::LiveStreams) sends it.
    pub fn watch<P: Projection>(&self, key: &P::Key) -> LiveView<P> {
        match &self.source {
            Source::App(app) => app.watch(key),
            Source::Views(views) => views.watch(key),
        }
    }

    /// Asks until a wish is met. With a token and a bound in time the answer keeps both: it is asked for again once the
    /// token is met, and the read store never goes back.
    async fn meet<T, A>(
        &self,
        wish: Wish,
        ask: impl Fn(Freshness, Duration) -> A,
    ) -> Result<Answer<T>, Problem>
    where
        A: Future<Output = Result<Answer<T>, QueryError>>,
    {
        let deadline = Instant::now() + wish.within;
        let asking = async {
            let (first, second) = match (wish.token, wish.max_lag) {
                (None, None) => (Freshness::Any, None),
                (Some(token), max_lag) => (Freshness::AtLeast(token), max_lag.map(Freshness::MaxLag)),
                (None, Some(max_lag)) => (Freshness::MaxLag(max_lag), None),
            };
            let answer = ask(first, wish.within).await?;
            let Some(second) = second else { return Ok(answer) };
            let stale = answer.provenance.stale;
            let mut answer = ask(second, deadline.saturating_duration_since(Instant::now())).await?;
            answer.provenance.stale |= stale;
            Ok(answer)
        };
        let limit = wish.within + self.patience;
        let answer = tokio::time::timeout(limit, asking).await.map_err(|_| {
            Problem::new(
                Code::READ_STORE_UNAVAILABLE,
                format!("the read store did not answer within {limit:?}"),
            )
        })?;
        answer.map_err(|error: QueryError| Problem::from(error))
    }
}
