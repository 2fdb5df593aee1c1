use cqrs_core::{
    envelope::{CommandId, EventId, StreamId, Version},
    store::{EventStore, Load, Snapshot},
};

use super::sample::{ids, read_stream, stream, ten_events, versions};
use crate::conformance::{Stores, json::json};

fn snapshot(stream: &StreamId, version: u64, last: EventId, fingerprint: u64) -> Snapshot {
    let data = json(r#"{"a":1}"#);
    Snapshot { stream: stream.clone(), version: Version::new(version), last, fingerprint, data }
}

async fn load_with_snapshot(
    store: &dyn EventStore,
    stream: &StreamId,
    shape: Option<u64>,
) -> (Option<Snapshot>, Vec<u64>) {
    let loaded = store.load(Load { stream, snapshot: shape, command: None }).await.expect("a stream is loaded");
    (loaded.snapshot, versions(&loaded.events))
}

/// A load that finds a snapshot of the wanted shape has it, and only the events after it.
pub async fn a_load_with_a_snapshot_has_only_the_events_after_it(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let ids = ids(&read_stream(&*store, &a).await);
    for (version, last, rest) in [(7, ids[6], vec![8, 9, 10]), (10, ids[9], vec![])] {
        let kept = snapshot(&a, version, last, 1);
        store.save_snapshot(kept.clone()).await.expect("a snapshot is saved");
        assert_eq!(load_with_snapshot(&*store, &a, Some(1)).await, (Some(kept), rest));
    }
}

/// A load that wants no snapshot, or one of another shape, has all events.
pub async fn a_load_ignores_a_snapshot_of_another_shape(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let last = read_stream(&*store, &a).await[6].event_id;
    store.save_snapshot(snapshot(&a, 7, last, 1)).await.expect("a snapshot is saved");
    let all: Vec<u64> = (1..=10).collect();
    assert_eq!(load_with_snapshot(&*store, &a, Some(2)).await, (None, all.clone()));
    assert_eq!(load_with_snapshot(&*store, &a, None).await, (None, all));
    let (b, all) = (stream("b"), (1..=10).collect());
    assert_eq!(load_with_snapshot(&*store, &b, Some(1)).await, (None, all), "another stream");
}

/// A load that finds a snapshot after an event that its stream does not have at that version has all events: the log was
/// put back to an earlier state, and the snapshot is of what it has lost.
pub async fn a_load_ignores_a_snapshot_of_another_past(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let own = ids(&read_stream(&*store, &a).await);
    let foreign = read_stream(&*store, &stream("b")).await[6].event_id;
    let lost = [(7, EventId::generate()), (7, own[5]), (7, own[7]), (7, foreign), (11, own[9]), (20, own[0])];
    for ((version, last), shape) in lost.into_iter().zip(1..) {
        let saved = snapshot(&a, version, last, shape);
        store.save_snapshot(saved.clone()).await.expect("a snapshot is saved");
        for command in [None, Some(CommandId::generate())] {
            let load = Load { stream: &a, snapshot: Some(shape), command };
            let loaded = store.load(load).await.expect("a stream is loaded");
            assert_eq!(loaded.snapshot, None, "a snapshot of another past");
            assert_eq!(versions(&loaded.events), (1..=10).collect::<Vec<_>>(), "in spite of {saved:?}");
        }
    }
}

/// A snapshot after an event that the stream does not have gives way to one after an event that it has, be the first newer
/// or not; of two whose events the stream has, the newer one stays.
pub async fn a_snapshot_of_another_past_is_replaced(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let own = ids(&read_stream(&*store, &a).await);
    for version in [7, 20] {
        let lost = snapshot(&a, version, EventId::generate(), 1);
        let (kept, older) = (snapshot(&a, 7, own[6], 1), snapshot(&a, 5, own[4], 1));
        for saved in [lost, kept.clone(), older] {
            store.save_snapshot(saved).await.expect("a snapshot is saved");
        }
        assert_eq!(load_with_snapshot(&*store, &a, Some(1)).await, (Some(kept), vec![8, 9, 10]));
        store.drop_snapshots(a.category()).await.expect("snapshots are dropped");
    }
}
