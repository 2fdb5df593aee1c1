use cqrs_core::store::{Append, AppendError, EventStore, Past};

use super::sample::{append, at, conflict, event, events, must_append, read_stream, stream, versions};
use crate::conformance::Stores;

/// A condition holds or does not hold just the same, whatever past it rests on: it meets a conflict where the stream is
/// further, be it by the same handle or by another one.
pub async fn a_conflict_is_met_whatever_past_a_condition_rests_on(stores: &Stores<dyn EventStore>) {
    let (store, other) = (stores.open().await, stores.open().await);
    for (writer, id) in [(&store, "own"), (&other, "another")] {
        let stream = stream(id);
        let on = |version: u64, past| Append { past, ..append([at(&stream, version)], [event(&stream)]) };
        let first = must_append(&*store, on(0, Past::UNKNOWN)).await;
        let second = must_append(&*store, on(1, first.past)).await;
        assert_eq!(second.events[0].version.get(), 2);
        let past = must_append(&**writer, on(2, Past::UNKNOWN)).await.past;
        let past = if id == "own" { past } else { second.past };
        assert_eq!(conflict(store.append(on(2, past)).await, &stream), (2, 3));
        assert_eq!(versions(&read_stream(&*store, &stream).await), [1, 2, 3]);
        must_append(&*store, on(3, past)).await;
    }
}

/// A store that hands out pasts takes back its own alone: what rests on another one is refused, and nothing is written.
/// One that hands out none passes over what it is given.
pub async fn what_rests_on_another_past_is_refused(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let stream = stream("1");
    let first = must_append(&*store, append([at(&stream, 0)], [event(&stream)])).await;
    if !first.past.is_known() {
        return;
    }
    for count in [1, 2] {
        let foreign =
            Append { past: Past::begin(), ..append([at(&stream, 1)], events(&stream, count)) };
        let outcome = store.append(foreign).await;
        assert!(
            matches!(outcome, Err(AppendError::OtherPast)),
            "what rests on a past that the store has never handed out: {outcome:?}"
        );
        assert_eq!(read_stream(&*store, &stream).await.len(), 1, "a refused append has written");
    }
    must_append(&*store, Append { past: first.past, ..append([at(&stream, 1)], [event(&stream)]) }).await;
}
