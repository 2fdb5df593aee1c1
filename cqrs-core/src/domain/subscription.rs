use std::{fmt, sync::Arc};

use super::{DecodeError, Event, FeedSpec, Payload};
use crate::{
    envelope::{Delivered, RecordedEvent},
    store::BatchError,
};

/// The events that a projection with writing of its own is given: an event set, or an enum of your own over several sets
/// and single events.
///
/// ```
/// use cqrs_core::{domain::{Subscribe, Subscription}, prelude::*};
///
/// # #[derive(Id)] struct OrderId(String);
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { cents: i64 }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] enum OrderEvent { Placed(OrderPlaced) }
/// # #[derive(Serialize, Deserialize)] struct PaymentTaken { cents: i64 }
/// # #[derive(Serialize, Deserialize)] struct PaymentReturned { cents: i64 }
/// # #[derive(Event)] #[event(stream = "payment", id = OrderId)]
/// # enum PaymentEvent { Taken(PaymentTaken), Returned(PaymentReturned) }
/// enum SalesEvent {
///     Order(OrderEvent),
///     Paid(PaymentTaken),
/// }
///
/// impl Subscribe for SalesEvent {
///     fn to(subscription: &mut Subscription<Self>) {
///         subscription.set(Self::Order);
///         subscription.one(Self::Paid);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which events it stands for",
    label = "neither an event set nor a choice of events",
    note = "use an enum with `#[derive(Event)]`, or implement `Subscribe` for an enum of your own"
)]
pub trait Subscribe: Sized + Send + Sync + 'static {
    /// Adds the event sets and the single events.
    fn to(subscription: &mut Subscription<Self>);
}

impl<E: Event> Subscribe for E {
    fn to(subscription: &mut Subscription<Self>) {
        subscription.set(|event: E| event);
    }
}

/// The event sets and the single events that an `E` may come from.
pub struct Subscription<E> {
    sources: Vec<Source<E>>,
}

struct Source<E> {
    spec: FeedSpec,
    decode: Box<Decode<E>>,
}

type Decode<E> = dyn Fn(&RecordedEvent) -> Result<E, DecodeError> + Send + Sync;

impl<E: Subscribe> Subscription<E> {
    /// What `E` declares.
    pub fn of() -> Self {
        let mut subscription = Self { sources: Vec::new() };
        E::to(&mut subscription);
        subscription
    }

    /// Adds all events of a set, also those that this program does not know yet: they can't be read, and are parked.
    pub fn set<S: Event>(&mut self, event: impl Fn(S) -> E + Send + Sync + 'static) {
        self.sources.push(Source {
            spec: FeedSpec { category: S::STREAM, types: S::TYPES, whole: true },
            decode: Box::new(move |recorded| recorded.decode().map(&event)),
        });
    }

    /// Adds one event, without the rest of its set.
    pub fn one<P: Payload>(&mut self, event: impl Fn(P) -> E + Send + Sync + 'static) {
        self.sources.push(Source {
            spec: FeedSpec { category: P::Set::STREAM, types: const { &[P::TYPE] }, whole: false },
            decode: Box::new(move |recorded| P::decode(recorded.schema_version, &recorded.data).map(&event)),
        });
    }

    /// The events, as the log knows them.
    pub fn feeds(&self) -> Vec<FeedSpec> {
        self.sources.iter().map(|source| source.spec).collect()
    }

    /// Reads recorded events, upcast to their newest schema. Events that are none of these are left out.
    ///
    /// # Errors
    ///
    /// [`BatchError::Refused`] with the place of the first event that can't be read.
    pub fn read(&self, events: &[RecordedEvent]) -> Result<Vec<Delivered<E>>, BatchError> {
        let mut delivered = Vec::with_capacity(events.len());
        for recorded in events {
            let Some(source) = self.source_of(recorded) else { continue };
            let event = (source.decode)(recorded).map_err(|error| BatchError::Refused {
                at: Some(recorded.position),
                source: Box::new(error),
            })?;
            delivered.push(Delivered {
                event_id: recorded.event_id,
                stream: recorded.stream.clone(),
                version: recorded.version,
                position: recorded.position,
                metadata: Arc::clone(&recorded.metadata),
                event,
            });
        }
        Ok(delivered)
    }

    fn source_of(&self, recorded: &RecordedEvent) -> Option<&Source<E>> {
        self.sources.iter().find(|Source { spec, .. }| {
            spec.category == recorded.stream.category()
                && (spec.whole || spec.types.iter().any(|event| event.name == recorded.name))
        })
    }
}

impl<E> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| &source.spec)).finish()
    }
}
