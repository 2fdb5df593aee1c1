use std::sync::Arc;

use cqrs_core::store::{Append, AppendError, EventStore};

use super::sample::{
    append, at, by_command, event, events, head, more, must_append, new_ids, read_all, read_stream, stream,
};
use crate::conformance::{Stores, json::json_of_length};

/// Beyond the limits of all stores: one event of 33 MiB.
const HUGE: usize = 33 << 20;
/// Beyond the limits of all stores: so many events at once.
const MANY: usize = 20_001;

async fn refused_id(store: &dyn EventStore, append: Append, why: &str) -> cqrs_core::envelope::EventId {
    match store.append(append).await.expect_err(why) {
        AppendError::DuplicateEventId { event_id } => event_id,
        other => panic!("{why}, but: {other:?}"),
    }
}

/// An event id that the log has is refused and named, in whatever stream it is, and nothing is written.
pub async fn a_known_event_id_is_refused(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    let known = event(&a);
    must_append(&*store, append([], [known.clone()])).await;
    for target in [&a, &b] {
        let mut again = known.clone();
        again.stream = target.clone();
        let clashing = append([], [event(&b), again, event(&a)]);
        assert_eq!(refused_id(&*store, clashing, "the event id is known").await, known.event_id);
        assert_eq!(read_all(&*store).await.len(), 1, "a refused append wrote events");
        assert_eq!(read_stream(&*store, &b).await, []);
    }
}

/// The same id for two events of one append is refused, and both ids stay free.
pub async fn an_event_id_given_twice_is_refused(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    let first = event(&a);
    let other = event(&a);
    let mut second = event(&b);
    second.event_id = first.event_id;
    let clashing = append([], [other.clone(), first.clone(), second]);
    assert_eq!(refused_id(&*store, clashing, "the event id comes twice").await, first.event_id);
    assert_eq!(head(&*store).await, 0, "a refused append wrote events");
    must_append(&*store, append([], [other, first])).await;
}

/// An event beyond the limit is refused, with its name, its size and the limit; one at the limit is taken.
pub async fn an_oversized_event_is_refused(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let with_size = |bytes: usize| {
        let mut large = event(&a);
        large.name = "large".into();
        large.data = json_of_length(bytes);
        append([], [event(&a), large])
    };
    let refused = async |bytes: usize| match store.append(with_size(bytes)).await {
        Err(AppendError::TooLarge { event, size, limit }) => {
            assert_eq!((&*event, size), ("large", bytes), "the error names another event");
            limit
        }
        other => panic!("an event of {bytes} bytes was to be too large, but: {other:?}"),
    };
    let limit = refused(HUGE).await;
    assert_eq!(refused(limit + 1).await, limit);
    assert_eq!(head(&*store).await, 0, "a refused append wrote events");
    must_append(&*store, with_size(limit)).await;
    assert_eq!(read_stream(&*store, &a).await[1].data.len(), limit, "the event at the limit was cut");
}

/// More events than the limit are refused, with their number and the limit; as many as the limit are taken.
pub async fn too_many_events_are_refused(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    let refused = async |count: usize| match store.append(more(&a, count)).await {
        Err(AppendError::TooMany { count: named, limit }) => {
            assert_eq!(named, count, "the error names another number");
            limit
        }
        other => panic!("{count} events were to be too many, but: {other:?}"),
    };
    let limit = refused(MANY).await;
    assert_eq!(refused(limit + 1).await, limit);
    assert_eq!(head(&*store).await, 0, "a refused append wrote events");
    let given = events(&a, limit);
    let ids = new_ids(&given);
    must_append(&*store, append([at(&a, 0)], given)).await;
    let read: Vec<_> = read_stream(&*store, &a).await.iter().map(|event| event.event_id).collect();
    assert!(read == ids, "the stream has other events, or another order, than the append of {limit}");
}

/// An append that is refused for whatever reason leaves those alone that come at the same time.
pub async fn a_refused_append_leaves_its_neighbours_alone(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let shared = stream("shared");
    let known = event(&shared);
    must_append(&*store, append([], [known.clone()])).await;
    let mut oversized = event(&shared);
    oversized.data = json_of_length(HUGE);
    let mut tasks = Vec::new();
    for round in 0..20 {
        let of_round = stream(&format!("of-round-{round}"));
        let bad = match round % 4 {
            0 => append([at(&shared, 0)], [event(&shared), event(&of_round)]),
            1 => append([], [event(&of_round), known.clone()]),
            2 => append([], [event(&of_round), oversized.clone()]),
            _ => append([], events(&of_round, MANY)),
        };
        let good = by_command(
            append([at(&of_round, 0)], events(&of_round, 3)),
            cqrs_core::envelope::CommandId::generate(),
            &of_round,
        );
        for (append, fits) in [(bad, false), (good, true)] {
            let store = Arc::clone(&store);
            tasks.push((round, fits, tokio::spawn(async move { store.append(append).await })));
        }
    }
    for (round, fits, task) in tasks {
        let outcome = task.await.expect("the append does not panic");
        assert_eq!(outcome.is_ok(), fits, "in round {round}, where true is the one that fits: {outcome:?}");
    }
    for round in 0..20 {
        let events = read_stream(&*store, &stream(&format!("of-round-{round}"))).await;
        assert_eq!(events.len(), 3, "in round {round}");
    }
    assert_eq!(head(&*store).await, 61, "other events than those of the appends that fit");
}
