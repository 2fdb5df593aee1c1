use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::response::{
    IntoResponse as _, Response,
    sse::{Event, KeepAlive, Sse},
};
use cqrs_core::{
    domain::Projection,
    query::{Answer, LiveView, QueryError, View},
    store::BoxFuture,
};
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{Code, Consistency, Problem, Queries, Wish};

/// How long a browser is told to wait before it connects again.
pub const RETRY: Duration = Duration::from_secs(1);

/// Serves live views as server-sent events: so many at once, and only until the service stops. Cheap to clone; all clones
/// are the same.
///
/// A stream has these events:
///
/// | `event` | `id` | `data` |
/// | --- | --- | --- |
/// | `view` | a token | `{"view": …, "consistency": {"position", "lag", "stale", "token"}}`: the view as it is, then as it is after each change; `null` where there is none |
/// | `problem` | none | a [`Problem`]'s body: the read store is away. The stream goes on, and a `view` says that all is well; only after a fault that no time mends it ends |
///
/// A reader that is slower than the changes gets the newest state alone. Comments keep a quiet connection open, every 15 s.
/// A client that connects again sends the last token as `Last-Event-ID`, as browsers do by themselves, and gets nothing
/// older.
#[derive(Clone)]
pub struct LiveStreams {
    places: Arc<Semaphore>,
    most: usize,
    keep_alive: Duration,
    closed: watch::Sender<bool>,
}

impl LiveStreams {
    /// Serves at most so many streams at once.
    pub fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        Self { places, most, keep_alive: Duration::from_secs(15), closed: watch::Sender::new(false) }
    }

    /// How often a quiet stream says that it is there. Default: 15 s; shorter than what proxies give up after.
    #[must_use]
    pub const fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = every;
        self
    }

    /// How many streams there are now.
    pub fn open(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// Ends all streams, and begins no more: call it when the service is told to stop, before it waits for the requests
    /// in flight. Browsers connect again, to another process or to this one when it is back.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Answers a request with a view that is watched. `body` makes what is sent of it.
    ///
    /// The view is queried first, as any other query: the answer's head has the [`Consistency`] headers of that, and the
    /// stream shows nothing older.
    ///
    /// # Errors
    ///
    /// A [`Problem`], as any other query; [`Code::TOO_MANY_STREAMS`] and [`Code::STOPPING`].
    pub async fn serve<P: Projection, B: Serialize>(
        &self,
        queries: &Queries,
        key: &P::Key,
        wish: Wish,
        body: impl Fn(View<P>) -> B + Send + Unpin + 'static,
    ) -> Result<Response, Problem> {
        let mut closed = self.closed.subscribe();
        if *closed.borrow_and_update() {
            return Err(Problem::new(Code::STOPPING, "the service is about to stop; connect again"));
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let detail = format!("{} live views are watched already, which is the most", self.most);
            return Err(Problem::new(Code::TOO_MANY_STREAMS, detail));
        };
        let provenance = queries.view::<P>(key, wish).await?.provenance;
        let events = Events {
            live: queries.watch::<P>(key).at_least(&provenance.token).within(wish.within),
            body,
            begun: false,
            ended: false,
            closed: Box::pin(async move {
                // An error means that nobody can close it any more, which is as good as closed.
                let _: Result<_, _> = closed.wait_for(|closed| *closed).await;
            }),
            _place: place,
        };
        let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(self.keep_alive));
        Ok((Consistency::from(provenance), stream).into_response())
    }
}

impl fmt::Debug for LiveStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveStreams")
            .field("open", &self.open())
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// The events of one stream.
struct Events<P: Projection, F> {
    live: LiveView<P>,
    body: F,
    begun: bool,
    ended: bool,
    closed: BoxFuture<'static, ()>,
    _place: OwnedSemaphorePermit,
}

impl<P: Projection, B: Serialize, F: Fn(View<P>) -> B> Events<P, F> {
    fn event(&mut self, item: Result<Answer<Option<View<P>>>, QueryError>) -> Event {
        let event = item.map_err(Problem::from).and_then(|answer| self.view(answer));
        let event = event.unwrap_or_else(|problem| {
            self.ended |= problem.code() == Code::INTERNAL;
            Event::default().event("problem").data(problem.text())
        });
        if std::mem::replace(&mut self.begun, true) { event } else { event.retry(RETRY) }
    }

    fn view(&self, answer: Answer<Option<View<P>>>) -> Result<Event, Problem> {
        #[derive(Serialize)]
        struct Data<B> {
            view: Option<B>,
            consistency: Consistency,
        }
        let consistency = Consistency::from(answer.provenance);
        let data = Data { view: answer.value.map(&self.body), consistency };
        let text = serde_json::to_string(&data).map_err(|error| Problem::internal(&error))?;
        Ok(Event::default().event("view").id(consistency.token.to_string()).data(text))
    }
}

impl<P: Projection, B: Serialize, F: Fn(View<P>) -> B + Unpin> Stream for Events<P, F> {
    type Item = Result<Event, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended || this.closed.as_mut().poll(context).is_ready() {
            this.ended = true;
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut this.live).poll_next(context));
        Poll::Ready(next.map(|item| Ok(this.event(item))))
    }
}
