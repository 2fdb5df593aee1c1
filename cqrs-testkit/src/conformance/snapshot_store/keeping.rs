use std::collections::BTreeMap;

use cqrs_core::{
    envelope::{EventId, Json, StreamId, Version},
    store::{Snapshot, SnapshotStore},
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::conformance::{
    Stores,
    json::{PECULIAR_JSON, PECULIAR_NAMES, json},
    property,
};

fn stream(category: &str, id: &str) -> StreamId {
    StreamId::new(category, id).expect("the suite's own names are valid")
}

fn snapshot(stream: &StreamId, version: u64, fingerprint: u64) -> Snapshot {
    let data = Json::of(&format!("{stream} {version} {fingerprint}")).expect("text serialises");
    let last = EventId::from_uuid(Uuid::from_u64_pair(fingerprint, version));
    Snapshot { stream: stream.clone(), version: Version::new(version), last, fingerprint, data }
}

async fn save(store: &dyn SnapshotStore, snapshot: &Snapshot) {
    store.save_snapshot(snapshot.clone()).await.expect("a snapshot is saved");
}

async fn find(store: &dyn SnapshotStore, stream: &StreamId, fingerprint: u64) -> Option<Snapshot> {
    store.snapshot(stream, fingerprint).await.expect("a snapshot is looked up")
}

/// A snapshot comes back with its version, last event, shape and data, to the byte.
pub async fn a_snapshot_is_read_back_as_it_was_saved(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    for (text, nth) in PECULIAR_JSON.iter().zip(0_u64..) {
        let stream = stream("order", &nth.to_string());
        // Shapes are hashes: all 64 bits count.
        let saved = Snapshot { data: json(*text), ..snapshot(&stream, nth + 1, u64::MAX - nth) };
        save(&*store, &saved).await;
        let found = find(&*store, &stream, u64::MAX - nth).await;
        assert_eq!(found.as_ref().map(|found| found.data.as_str()), Some(saved.data.as_str()));
        assert_eq!(found, Some(saved));
    }
}

/// A stream without a snapshot has none, and that is no error.
pub async fn a_missing_snapshot_is_none(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let a = stream("order", "a");
    assert_eq!(find(&*store, &a, 1).await, None);
    save(&*store, &snapshot(&a, 1, 1)).await;
    assert_eq!(find(&*store, &stream("order", "b"), 1).await, None);
    assert_eq!(find(&*store, &stream("payment", "a"), 1).await, None);
}

/// Of two snapshots of one shape the one of the higher version is kept, in whichever order they come.
pub async fn the_newest_snapshot_is_kept(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let a = stream("order", "a");
    let newest = snapshot(&a, 10, 1);
    for saved in [&snapshot(&a, 5, 1), &newest, &snapshot(&a, 7, 1), &snapshot(&a, 9, 1)] {
        save(&*store, saved).await;
    }
    assert_eq!(find(&*store, &a, 1).await, Some(newest));
    let newer = snapshot(&a, 11, 1);
    save(&*store, &newer).await;
    assert_eq!(find(&*store, &a, 1).await, Some(newer));
}

/// Who asks for another shape finds nothing.
pub async fn a_snapshot_of_another_shape_is_not_found(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let a = stream("order", "a");
    save(&*store, &snapshot(&a, 3, 1)).await;
    assert_eq!(find(&*store, &a, 2).await, None);
    assert_eq!(find(&*store, &a, 0).await, None);
}

/// A snapshot takes the place of one of another shape, be that one newer or not: its code is gone.
pub async fn a_snapshot_of_another_shape_is_replaced(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let a = stream("order", "a");
    for (version, shape) in [(10, 1), (2, 2), (8, 3)] {
        let saved = snapshot(&a, version, shape);
        save(&*store, &saved).await;
        assert_eq!(find(&*store, &a, shape).await, Some(saved));
    }
    assert_eq!(find(&*store, &a, 1).await, None, "a snapshot that was replaced");
    assert_eq!(find(&*store, &a, 2).await, None, "a snapshot that was replaced");
}

/// Each stream has its own snapshot; categories and ids that differ in any byte are different.
pub async fn snapshots_of_streams_are_apart(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let by_id = PECULIAR_NAMES.iter().map(|name| stream("order", name));
    let by_category = PECULIAR_NAMES.iter().map(|name| stream(name, "order"));
    let streams: Vec<StreamId> =
        by_id.chain(by_category).chain([stream("x", "y/z"), stream("x/y", "z")]).collect();
    for (stream, version) in streams.iter().zip(1..) {
        save(&*store, &snapshot(stream, version, 1)).await;
    }
    for (stream, version) in streams.iter().zip(1..) {
        assert_eq!(find(&*store, stream, 1).await, Some(snapshot(stream, version, 1)));
    }
}

/// Dropping the snapshots of a category drops all of them, and no other.
pub async fn snapshots_are_dropped_by_category(stores: &Stores<dyn SnapshotStore>) {
    let store = stores.open().await;
    let dropped = [stream("order", "a"), stream("order", "b")];
    let kept = [stream("orders", "a"), stream("Order", "a"), stream("a", "order"), stream("o%", "a")];
    for (stream, shape) in dropped.iter().chain(&kept).zip(1..) {
        save(&*store, &snapshot(stream, 1, shape)).await;
    }
    for category in ["order", "missing", "%", "orde_"] {
        store.drop_snapshots(category).await.expect("snapshots are dropped");
    }
    for (stream, shape) in dropped.iter().chain(&kept).zip(1..) {
        let expected = kept.contains(stream).then(|| snapshot(stream, 1, shape));
        assert_eq!(find(&*store, stream, shape).await, expected);
    }
    let again = snapshot(&dropped[0], 1, 1);
    save(&*store, &again).await;
    assert_eq!(find(&*store, &dropped[0], 1).await, Some(again), "saved after its category was dropped");
}

#[derive(Clone, Debug)]
enum Step {
    Save { stream: u8, version: u8, shape: u8 },
    Drop { category: u8 },
}

fn stream_number(number: u8) -> StreamId {
    stream(["order", "payment"][usize::from(number % 2)], &number.to_string())
}

/// After any series of saves and drops the store answers as a plain map would.
pub async fn a_random_series_of_snapshots_equals_a_map(stores: &Stores<dyn SnapshotStore>) {
    let step = prop_oneof![
        9 => (0_u8..4, 1_u8..9, 0_u8..2)
            .prop_map(|(stream, version, shape)| Step::Save { stream, version, shape }),
        1 => (0_u8..2).prop_map(|category| Step::Drop { category }),
    ];
    let stores = stores.elsewhere();
    property::check(32, proptest::collection::vec(step, 1..40), move |steps| {
        let stores = stores.elsewhere();
        async move { replay(&*stores.open().await, steps).await }
    })
    .await;
}

async fn replay(store: &dyn SnapshotStore, steps: Vec<Step>) {
    let mut map: BTreeMap<u8, (u8, u8)> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Save { stream, version, shape } => {
                save(store, &snapshot(&stream_number(stream), version.into(), shape.into())).await;
                let kept = map.get(&stream);
                if kept.is_none_or(|(kept, of_shape)| *of_shape != shape || version > *kept) {
                    map.insert(stream, (version, shape));
                }
            }
            Step::Drop { category } => {
                store.drop_snapshots(stream_number(category).category()).await.expect("snapshots are dropped");
                map.retain(|stream, _| stream % 2 != category);
            }
        }
        for number in 0..4 {
            for shape in 0..2 {
                let stream = stream_number(number);
                let expected = map
                    .get(&number)
                    .filter(|(_, of_shape)| *of_shape == shape)
                    .map(|(version, _)| snapshot(&stream, (*version).into(), shape.into()));
                assert_eq!(find(store, &stream, shape.into()).await, expected);
            }
        }
    }
}
