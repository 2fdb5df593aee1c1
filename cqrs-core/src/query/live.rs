use super::{Answer, Provenance, QueryError, Source, View};
use crate::{
    domain::{Event, Fold, Projection, SingleStream, State},
    envelope::{Position, RecordedEvent, StreamId, Token},
    runtime::Lag,
    store::{BoxFuture, EventStore, StoredDocument, StreamRead},
};

pub(super) type Folding<P> = BoxFuture<'static, Result<Answer<Option<View<P>>>, QueryError>>;

/// How many events are read at once, from the end of the stream backwards.
const PAGE: usize = 200;

/// Folds what a stored view lacks of its stream, without storing it.
pub(super) fn fold<P: Projection + SingleStream<Event: Fold<P>>>(
    source: Source,
    key: P::Key,
    stored: Option<StoredDocument>,
) -> Folding<P> {
    Box::pin(async move {
        let log = source.log.expect("only an application offers a live fold, and it has a log").store;
        let stream = StreamId::new(<P::Event as Event>::STREAM, key.to_string())?;
        // The head first: whatever comes after it may be in the answer, what comes before it is.
        let head = log.head().await?;
        let (created, applied) = stored
            .as_ref()
            .map_or((Position::ZERO, Position::ZERO), |stored| (stored.created, stored.applied));
        let tail = tail(&*log, &stream, applied).await?;
        let state = match stored.as_ref().map(View::<P>::read).transpose()? {
            None => State::Absent,
            Some(None) => State::Removed,
            Some(Some(view)) => State::Present(view.document),
        };
        // The answer may hold events that came after that head: its token covers them too.
        let head = tail.last().map_or(head, |event| event.position.max(head));
        let Replayed { state, created, applied } = Replayed { state, created, applied }.fold(&tail)?;
        let view = state.present().map(|document| View::new(key, document, created, applied));
        let token = Token::new(log.log_id(), head);
        Ok(Answer::new(
            view,
            Provenance {
                applied: head,
                head,
                lag: Lag::default(),
                stale: false,
                building: false,
                parked: 0,
                token,
            },
        ))
    })
}

/// The events of a stream after a position, oldest first.
async fn tail(
    log: &dyn EventStore,
    stream: &StreamId,
    after: Position,
) -> Result<Vec<RecordedEvent>, QueryError> {
    let mut tail: Vec<RecordedEvent> = Vec::new();
    loop {
        let before = tail.last().map(|event| event.version);
        let page = log.read_stream(stream, StreamRead::Before(before), PAGE).await?;
        let read = page.len();
        let fresh: Vec<_> = page.into_iter().take_while(|event| event.position > after).collect();
        let more = fresh.len() == PAGE && read == PAGE;
        tail.extend(fresh);
        if !more {
            tail.reverse();
            return Ok(tail);
        }
    }
}

/// A document on its way through its stream's tail.
struct Replayed<P> {
    state: State<P>,
    created: Position,
    applied: Position,
}

impl<P: Projection + SingleStream<Event: Fold<P>>> Replayed<P> {
    /// Folds the tail in, as the projection does.
    fn fold(mut self, tail: &[RecordedEvent]) -> Result<Self, QueryError> {
        for recorded in tail {
            if <P::Event as Fold<P>>::ignores(&recorded.name) {
                continue;
            }
            let position = recorded.position;
            let event: P::Event =
                recorded.decode().map_err(|source| QueryError::Decode { position, source })?;
            let existed = matches!(self.state, State::Present(_));
            self.state = event
                .fold(self.state, &recorded.metadata)
                .map_err(|source| QueryError::Fold { position, source })?;
            if !existed && matches!(self.state, State::Present(_)) {
                self.created = position;
            }
            self.applied = position;
        }
        Ok(self)
    }
}
