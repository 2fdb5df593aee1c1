use std::{future::ready, sync::Arc};

use cqrs_core::{
    envelope::{EventId, Json, StreamId, Version},
    store::{EventStore, Snapshot, SnapshotStore},
};
use cqrs_testkit::conformance::Stores;

use crate::{
    event_store::{Broken, Faults, Sound},
    hook::hook,
};

/// Stores that break the rule, and are sound otherwise.
pub(crate) fn breaking(rule: &str, sound: &Stores<dyn EventStore>) -> Option<Stores<dyn SnapshotStore>> {
    let rule = rule.to_owned();
    broken(&rule)?;
    Some(over(sound, move || broken(&rule).unwrap()))
}

/// Stores through the same wrapper without a fault.
pub(crate) fn unbroken(sound: &Stores<dyn EventStore>) -> Stores<dyn SnapshotStore> {
    over(sound, Faults::default)
}

fn over(
    sound: &Stores<dyn EventStore>,
    faults: impl Fn() -> Faults + Send + Sync + 'static,
) -> Stores<dyn SnapshotStore> {
    let sound = sound.elsewhere();
    Stores::<dyn SnapshotStore>::new(move || {
        let (place, faults) = (Arc::new(sound.elsewhere()), faults());
        move || Broken::open(Arc::clone(&place), faults.clone())
    })
}

/// The shapes that the rules use, besides those that are hashes.
const SHAPES: std::ops::Range<u64> = 0..4;

fn broken(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        "a_snapshot_is_read_back_as_it_was_saved" => {
            broken.save_snapshot = hook(|store: Sound, mut snapshot: Snapshot| async move {
                let spaceless: String = snapshot.data.as_str().split(' ').collect();
                snapshot.data = Json::from_text(spaceless).unwrap();
                store.save_snapshot(snapshot).await
            });
        }
        "a_missing_snapshot_is_none" => {
            broken.snapshot = hook(|store: Sound, (stream, fingerprint): (StreamId, u64)| async move {
                let found = store.snapshot(&stream, fingerprint).await?;
                let (version, last) = (Version::ZERO, EventId::generate());
                let data = Json::of("").unwrap();
                Ok(found.or(Some(Snapshot { stream, version, last, fingerprint, data })))
            });
        }
        "the_newest_snapshot_is_kept" => {
            broken.save_snapshot = hook(|store: Sound, snapshot: Snapshot| async move {
                store.drop_snapshots(snapshot.stream.category()).await?;
                store.save_snapshot(snapshot).await
            });
        }
        "a_snapshot_of_another_shape_is_not_found" => {
            broken.snapshot = hook(|store: Sound, (stream, fingerprint): (StreamId, u64)| async move {
                for shape in std::iter::once(fingerprint).chain(SHAPES) {
                    if let Some(found) = store.snapshot(&stream, shape).await? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            });
        }
        "a_snapshot_of_another_shape_is_replaced" => {
            broken.save_snapshot = hook(|store: Sound, snapshot: Snapshot| async move {
                for shape in SHAPES {
                    let kept = store.snapshot(&snapshot.stream, shape).await?;
                    if kept.is_some_and(|kept| kept.version > snapshot.version) {
                        return Ok(());
                    }
                }
                store.save_snapshot(snapshot).await
            });
        }
        "snapshots_of_streams_are_apart" => {
            broken.snapshot = hook(|store: Sound, (stream, fingerprint): (StreamId, u64)| async move {
                let folded = StreamId::new(stream.category(), stream.id().to_lowercase()).unwrap();
                store.snapshot(&folded, fingerprint).await
            });
        }
        "snapshots_are_dropped_by_category" => {
            broken.drop_snapshots = hook(|_, _| ready(Ok(())));
        }
        "a_random_series_of_snapshots_equals_a_map" => {
            broken.save_snapshot = hook(|store: Sound, snapshot: Snapshot| async move {
                if snapshot.version.get() == 5 { Ok(()) } else { store.save_snapshot(snapshot).await }
            });
        }
        _ => return None,
    }
    Some(broken)
}
