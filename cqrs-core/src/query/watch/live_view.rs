use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::{Stream, stream::FusedStream};
use tokio::time::Instant;

use super::{
    observer::pauses,
    observers::{News, Observers, Subscription},
    sighting::{Sighting, again},
};
use crate::{
    domain::Projection,
    query::{
        Answer, Current, Provenance, QueryError, Source, View,
        freshness::{Demand, demand_methods},
    },
    store::{BoxFuture, Error, Partition, ProjectionId, Read},
};

/// A view that is watched: [`next`](Self::next) yields it as it is, and then each time that it has changed, whichever
/// process changed it. It is a [`Stream`] of the same. Nothing happens until it is read.
///
/// - **An item** is an [`Answer`] as a query gives it, with its [`Provenance`]: `None` where there is no view yet, and
///   again after it was removed.
/// - **Only the newest counts.** A reader that is slower than the changes gets the state at the time that it asks, and
///   not those that it missed; nothing is queued for it.
/// - **It never goes back:** no item is older than the one before, and neither is its token. What a demand asks for,
///   such as [`at_least`](Self::at_least), holds for the first answer, and with it for all that follow; say so before the
///   first `next`.
/// - **A read store that is away** is tried again for as long as somebody watches, at first after 50 ms, at last every one
///   to two seconds. Each outage is one `Err` that is [retryable](QueryError::is_retryable); the view comes when the store is
///   back, changed or not, so that an `Ok` always says that all is well. An outage in which nothing moves shows within about
///   a second. A demand of the first answer that is not met in time is such an `Err` too, and then it is waited for again.
/// - **An `Err` that is not retryable** is the last item: a token of another log, a document that can't be read, a store
///   that is damaged or closed.
///
/// It ends by itself in no other way; drop it to end it. `next` is cancellation safe: what it was about to yield is yielded
/// by the next call.
///
/// # Costs
///
/// All that watch one projection on one [`App`](crate::app::App) or [`Views`](crate::query::Views), clones included, share
/// one task. It runs while somebody watches, loads all watched documents at once (500 in one question) when the
/// projection has moved, at most 100 times a second, and looks at the checkpoint once a second while nothing moves. A
/// watcher costs memory for its document's newest state, which all of the same key share. Their number is not bounded here:
/// whoever serves them bounds it.
///
/// ```
/// # use cqrs_core::{memory::{MemoryEventStore, MemoryViewStore}, prelude::*};
/// # #[derive(Id)]
/// # struct CounterId(String);
/// # #[derive(Serialize, Deserialize)]
/// # struct Increased { by: u32 }
/// # #[derive(Event)]
/// # #[event(stream = "counter", id = CounterId)]
/// # enum CounterEvent { Increased(Increased) }
/// # #[derive(Aggregate, Default)]
/// # #[aggregate(event = CounterEvent, default)]
/// # struct Counter {}
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(aggregate = Counter)]
/// # struct Increase { #[command(id)] counter: CounterId, by: u32 }
/// # #[handlers]
/// # impl Counter {
/// #     #[command_handler]
/// #     fn increase(&self, command: Increase) -> Increased { Increased { by: command.by } }
/// #     #[event_handler]
/// #     fn on_increased(&mut self, _: &Increased) {}
/// # }
/// # #[derive(Projection, Default, Serialize, Deserialize)]
/// # #[projection(events(CounterEvent), default)]
/// # struct Total { value: u32 }
/// # #[handlers]
/// # impl Total {
/// #     #[event_handler]
/// #     fn on_increased(&mut self, event: &Increased) { self.value += event.by; }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let app = App::builder(MemoryEventStore::new()).projection::<Total>(MemoryViewStore::new()).build().await?;
/// # let id = CounterId::new("visits")?;
/// let receipt = app.execute(Increase { counter: id.clone(), by: 7 }).await?;
/// let mut live = app.watch::<Total>(&id).at_least(&receipt.token);
/// while let Some(answer) = live.next().await {
///     match answer {
///         Ok(answer) => match &answer.value {
///             Some(total) if total.value >= 8 => break,
///             Some(total) => {
///                 println!("{} as of position {}", total.value, answer.provenance.applied);
///                 app.execute(Increase { counter: id.clone(), by: 1 }).await?;
///             }
///             None => println!("there is none"),
///         },
///         Err(error) if error.is_retryable() => println!("{error}, but it is tried again"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # app.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is watched until it is read"]
pub struct LiveView<P: Projection> {
    projection: ProjectionId,
    key: String,
    demand: Demand,
    state: State<P>,
}

type Item<P> = Result<Answer<Option<View<P>>>, QueryError>;

enum State<P: Projection> {
    /// Nobody waits for the next item.
    Idle(Box<Watcher<P>>),
    /// The next item is on its way; it stays so when whoever waits for it goes away.
    Waiting(BoxFuture<'static, (Box<Watcher<P>>, Item<P>)>),
    Ended,
}

impl<P: Projection> LiveView<P> {
    /// `views`: those of the source.
    pub(crate) fn new(
        source: Source,
        views: Option<Arc<Current>>,
        observers: Arc<Observers>,
        key: &P::Key,
    ) -> Self {
        let (projection, key) = (ProjectionId::of::<P>(), key.to_string());
        let watcher = Watcher {
            source,
            views,
            observers,
            projection: projection.clone(),
            key: key.clone(),
            stage: Stage::First,
            pauses: None,
            marker: PhantomData,
        };
        Self { projection, key, demand: Demand::default(), state: State::Idle(Box::new(watcher)) }
    }

    demand_methods!();

    /// The view as it is, and at each later call as it is after its next change; `None` after an error that is not
    /// retryable. It waits for as long as it takes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn next(&mut self) -> Option<Item<P>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Item<P>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Waiting(next) => {
                    let Poll::Ready((watcher, item)) = next.as_mut().poll(context) else {
                        return Poll::Pending;
                    };
                    let goes_on = item.as_ref().err().is_none_or(QueryError::is_retryable);
                    self.state = if goes_on { State::Idle(watcher) } else { State::Ended };
                    return Poll::Ready(Some(item));
                }
                idle @ State::Idle(_) => {
                    let State::Idle(watcher) = std::mem::replace(idle, State::Ended) else { continue };
                    *idle = State::Waiting(Box::pin(watcher.next(self.demand)));
                }
            }
        }
    }
}

impl<P: Projection> Stream for LiveView<P> {
    type Item = Item<P>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item<P>>> {
        self.get_mut().poll(context)
    }
}

impl<P: Projection> FusedStream for LiveView<P> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl<P: Projection> fmt::Debug for LiveView<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveView")
            .field("projection", &self.projection)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What looks for the next item.
struct Watcher<P> {
    source: Source,
    /// `None` where the projection is not registered.
    views: Option<Arc<Current>>,
    observers: Arc<Observers>,
    projection: ProjectionId,
    key: String,
    stage: Stage,
    /// Of attempts at an answer that follow each other in vain.
    pauses: Option<Box<dyn Iterator<Item = Duration> + Send>>,
    marker: PhantomData<fn() -> P>,
}

enum Stage {
    /// There was no answer yet.
    First,
    /// There was one.
    Following(Box<Following>),
}

struct Following {
    subscription: Subscription,
    /// What was shown last.
    shown: Sighting,
    /// The last item said that the store is away.
    away: bool,
}

impl<P: Projection> Watcher<P> {
    async fn next(mut self: Box<Self>, demand: Demand) -> (Box<Self>, Item<P>) {
        let item = loop {
            match &mut self.stage {
                Stage::First => break self.first(demand).await,
                Stage::Following(following) => match following.next().await {
                    Some(Ok(())) => {
                        let shown = following.shown.clone();
                        break self.show(&shown);
                    }
                    Some(Err(error)) => break Err(error.into()),
                    // The task has panicked, or its runtime has ended: another one may do better. What was shown stays
                    // the least that is shown.
                    None => self.follow_again().await,
                },
            }
        };
        (self, item)
    }

    /// Reads the view by itself: no later than this it is one of those who are told.
    async fn first(&mut self, demand: Demand) -> Item<P> {
        self.pause().await;
        let Some(current) = &self.views else {
            return Err(QueryError::Unregistered { projection: self.projection.clone() });
        };
        let subscription = self.observers.subscribe(current, &self.projection, &self.key);
        let started = Instant::now();
        let read = demand.meet(&self.source, &self.projection, Some(&self.key), |views| {
            let (current, projection, key) =
                (Arc::clone(current), self.projection.clone(), [self.key.clone()]);
            let partition = projection.partition(Partition::of_key(&self.key));
            Box::pin(async move {
                // With its trace, where it was removed: so it is known what is older than that.
                let checkpoint = views.checkpoint(&partition).await?;
                let (build, mut documents) = current.load_current(&projection, &key).await?;
                let seen = Sighting::new(build, checkpoint, documents.pop());
                Ok(Read { checkpoint: seen.checkpoint, value: seen })
            })
        });
        let judged = read.await?;
        let provenance = demand.accept(&self.source, self.projection.clone(), &judged, started)?;
        let item = answer(&judged.value, provenance)?;
        self.pauses = None;
        self.stage = Stage::Following(Box::new(Following { subscription, shown: judged.value, away: false }));
        Ok(item)
    }

    fn show(&mut self, seen: &Sighting) -> Item<P> {
        self.pauses = None;
        let log = self.source.log.as_ref();
        let head = log.map(|log| *log.head.borrow());
        let provenance = Provenance::of(seen.checkpoint.as_ref(), head, log.map(|log| log.store.log_id()));
        answer(seen, provenance)
    }

    async fn follow_again(&mut self) {
        self.pause().await;
        let Some(views) = &self.views else { return };
        let subscription = self.observers.subscribe(views, &self.projection, &self.key);
        if let Stage::Following(following) = &mut self.stage {
            following.subscription = subscription;
        }
    }

    /// Before the second attempt, and all later ones.
    async fn pause(&mut self) {
        match &mut self.pauses {
            None => self.pauses = Some(Box::new(pauses())),
            Some(pauses) => tokio::time::sleep(pauses.next().unwrap_or_default()).await,
        }
    }
}

impl Following {
    /// Waits for something to be shown; `None` where nobody looks for it any more.
    async fn next(&mut self) -> Option<Result<(), Error>> {
        loop {
            match self.subscription.next().await? {
                News::None => {}
                News::Away(_) if self.away => {}
                News::Away(error) => {
                    self.away = true;
                    return Some(Err(again(&error)));
                }
                News::Seen(seen) => {
                    let is_news = if self.away {
                        seen.is_no_older_than(&self.shown)
                    } else {
                        seen.follows(&self.shown)
                    };
                    if is_news {
                        self.away = false;
                        self.shown = Sighting::clone(&seen).after(&self.shown);
                        return Some(Ok(()));
                    }
                    // Removed once more: there is nothing to show, but all that came before it is older.
                    if !seen.is_there() && !self.shown.is_there() && seen.is_no_older_than(&self.shown) {
                        self.shown = Sighting::clone(&seen).after(&self.shown);
                    }
                }
            }
        }
    }
}

fn answer<P: Projection>(seen: &Sighting, provenance: Provenance) -> Item<P> {
    let view = seen.document.as_ref().map(View::read).transpose()?.flatten();
    Ok(Answer::new(view, provenance))
}
