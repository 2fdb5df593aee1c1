use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cqrs_core::{
    envelope::{CommandId, EventId, Position, RecordedEvent},
    store::{AppendError, AppendOutcome, EventFilter, EventStore, LogPage},
};

use super::sample::{
    append, appended, at, by_command, conflict, event, events, head, load, more, must_append, positions,
    read_all, read_page, read_stream, stream, versions,
};
use crate::conformance::{
    Stores,
    chance::{Dice, abandon},
};

/// Of many tasks that append to one version just one wins, and each loser learns the version that it missed.
pub async fn of_racing_appends_on_one_version_just_one_wins(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let (a, b) = (stream("a"), stream("b"));
    for round in 0..20_u64 {
        let racing: Vec<_> = (0..16)
            .map(|_| {
                let store = Arc::clone(&store);
                let append = append([at(&a, 2 * round), at(&b, round)], [event(&a), event(&b), event(&a)]);
                tokio::spawn(async move { store.append(append).await })
            })
            .collect();
        let mut winners = 0;
        for task in racing {
            match task.await.expect("the append does not panic") {
                Ok(outcome) => {
                    let versions = appended(Ok(outcome)).events.into_iter().map(|place| place.version.get());
                    assert_eq!(versions.collect::<Vec<_>>(), [2 * round + 1, round + 1, 2 * round + 2]);
                    winners += 1;
                }
                Err(AppendError::Conflict { ref stream, .. }) if *stream == b => {
                    panic!("a conflict in the second condition, where the first one fails too");
                }
                lost => assert_eq!(conflict(lost, &a), (2 * round, 2 * round + 2), "expected, actual"),
            }
        }
        assert_eq!(winners, 1, "so many won in round {round}");
        assert_eq!(read_stream(&*store, &a).await.len() as u64, 2 * round + 2);
        assert_eq!(read_stream(&*store, &b).await.len() as u64, round + 1);
    }
    assert_eq!(positions(&read_all(&*store).await), (1..=60).collect::<Vec<_>>());
}

/// What one writer knows of its appends.
#[derive(Default)]
struct Written {
    acknowledged: BTreeMap<Position, EventId>,
    refused: BTreeSet<EventId>,
}

/// Appends at random: to streams of others too, in conflict, and abandoned half-way.
async fn write(store: Arc<dyn EventStore>, writer: u64, appends: u64) -> Written {
    let mut dice = Dice::new(writer);
    let mut written = Written::default();
    for _ in 0..appends {
        dice.dawdle().await;
        let of_writer = stream(&format!("of-{writer}"));
        let shared = stream(&format!("shared-{}", dice.roll(3)));
        let given = [event(&of_writer), event(&shared)];
        let ids = [given[0].event_id, given[1].event_id];
        let conditions = match dice.roll(3) {
            0 => vec![at(&shared, load(&*store, &shared).await.events.len() as u64)],
            1 => vec![at(&shared, 1)],
            _ => vec![],
        };
        let appending = store.append(append(conditions, given));
        let outcome =
            if dice.roll(5) == 0 { abandon(appending, dice.roll(4)).await } else { Some(appending.await) };
        match outcome {
            Some(Ok(AppendOutcome::Appended(answer))) => {
                let places = answer.events.iter().map(|place| place.position);
                written.acknowledged.extend(places.zip(ids));
            }
            Some(Ok(AppendOutcome::Repeated(known))) => panic!("nothing was repeated, but: {known:?}"),
            Some(Err(AppendError::Conflict { .. })) => written.refused.extend(ids),
            Some(Err(other)) => panic!("only conflicts were to be expected, but: {other:?}"),
            None => {}
        }
    }
    written
}

/// Follows the log until the writers are done, and its end is reached.
async fn follow(store: &dyn EventStore, writing: &AtomicBool, page_size: usize) -> Vec<RecordedEvent> {
    let mut news = store.watch();
    let mut seen: Vec<RecordedEvent> = Vec::new();
    loop {
        let writers_are_done = !writing.load(Ordering::Acquire);
        news.mark_unchanged();
        let after = Position::new(seen.len() as u64);
        let LogPage { events, through, head, .. } = read_page(store, after, &EventFilter::ALL, page_size).await;
        for (event, expected) in events.iter().zip(after.get() + 1..) {
            assert_eq!(event.position.get(), expected, "after position {after} the reader found a gap");
        }
        let full = events.len() == page_size;
        seen.extend(events);
        let last = seen.last().map(|event| event.position).unwrap_or_default();
        assert!(through >= last && head >= through, "a page through {through} of a log with the head {head}");
        assert!(full || (through == head && last == head), "a short page ends at {last} before the head {head}");
        if writers_are_done && !full {
            return seen;
        }
        if !full {
            // Not woken for ever is the fault of another rule.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(5), news.changed()).await;
        }
    }
}

/// Readers that follow the log beside many writers see each event just once, in an unbroken row of positions: no
/// event turns up later at a position that they have passed, also where appends conflict or are abandoned.
pub async fn a_reader_of_the_tail_misses_nothing(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = [1_usize, 7, 1000]
        .into_iter()
        .map(|page_size| {
            let (store, writing) = (Arc::clone(&store), Arc::clone(&writing));
            tokio::spawn(async move { follow(&*store, &writing, page_size).await })
        })
        .collect();
    let writers: Vec<_> = (0..8).map(|writer| tokio::spawn(write(Arc::clone(&store), writer, 60))).collect();
    let mut known = Written::default();
    for writer in writers {
        let written = writer.await.expect("the writer finds nothing wrong");
        known.acknowledged.extend(written.acknowledged);
        known.refused.extend(written.refused);
    }
    // An abandoned append may still be under way; its store has heard of it before this one.
    must_append(&*store, more(&stream("last"), 1)).await;
    writing.store(false, Ordering::Release);
    for reader in readers {
        let seen = reader.await.expect("the reader finds no gap");
        assert!(read_all(&*store).await.starts_with(&seen), "the reader saw another log than there is");
        for (position, id) in &known.acknowledged {
            let event = seen.iter().find(|event| event.event_id == *id);
            let found = event.map(|event| event.position);
            assert_eq!(found, Some(*position), "where an acknowledged event is");
        }
        assert!(
            seen.iter().all(|event| !known.refused.contains(&event.event_id)),
            "an event of a refused append is in the log"
        );
    }
}

/// A reader sees all events of an append, or none.
pub async fn a_reader_never_sees_half_an_append(stores: &Stores<dyn EventStore>) {
    const SIZE: usize = 6;
    let store = stores.open().await;
    let writing = Arc::new(AtomicBool::new(true));
    let reader = {
        let (store, writing) = (Arc::clone(&store), Arc::clone(&writing));
        tokio::spawn(async move {
            while writing.load(Ordering::Acquire) {
                let mut sizes: BTreeMap<CommandId, usize> = BTreeMap::new();
                for event in read_all(&*store).await {
                    *sizes.entry(event.metadata.command_id).or_default() += 1;
                }
                let half = sizes.values().find(|size| **size != SIZE);
                assert_eq!(half, None, "a reader saw so many of the {SIZE} events of an append");
                tokio::task::yield_now().await;
            }
        })
    };
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut dice = Dice::new(writer);
                for _ in 0..50 {
                    let streams: Vec<_> = (0..SIZE).map(|_| stream(&dice.roll(20).to_string())).collect();
                    must_append(&*store, append([], streams.iter().map(event))).await;
                    dice.dawdle().await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the writer finds nothing wrong");
    }
    writing.store(false, Ordering::Release);
    reader.await.expect("the reader sees whole appends only");
    assert_eq!(head(&*store).await, 4 * 50 * SIZE as u64);
}

/// An append whose future is dropped at any point either happened, with its command, or did not, and the log goes on.
pub async fn a_dropped_append_happens_whole_or_not_at_all(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    for round in 0..60_u64 {
        let (a, b) = (stream(&format!("a{round}")), stream(&format!("b{round}")));
        let id = CommandId::generate();
        let given = append([at(&a, 0), at(&b, 0)], [event(&a), event(&b), event(&a)]);
        let again = by_command(given, id, &a);
        let neighbour = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { must_append(&*store, more(&stream("neighbour"), 1)).await })
        };
        let acknowledged = abandon(store.append(again.clone()), round % 12).await.is_some();
        neighbour.await.expect("a neighbour of a dropped append is appended");
        // The same command tells what became of it, and makes up for it where it did not happen.
        match store.append(again).await.expect("the command is appended or repeated") {
            AppendOutcome::Appended(_) => assert!(!acknowledged, "an acknowledged append is gone"),
            AppendOutcome::Repeated(known) => assert_eq!(known.events.len(), 3, "half an append is in the log"),
        }
        assert_eq!(versions(&read_stream(&*store, &a).await), [1, 2]);
        assert_eq!(versions(&read_stream(&*store, &b).await), [1]);
    }
    let log = read_all(&*store).await;
    assert_eq!(positions(&log), (1..=240).collect::<Vec<_>>(), "a dropped append left a hole");
}

/// The events and the head of one load are of one moment.
pub async fn a_load_is_of_one_moment(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let only = stream("only");
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, writing, only) = (Arc::clone(&store), Arc::clone(&writing), only.clone());
            tokio::spawn(async move {
                while writing.load(Ordering::Acquire) {
                    let loaded = load(&*store, &only).await;
                    let last = loaded.events.last().map(|event| event.position).unwrap_or_default();
                    assert_eq!(last, loaded.head, "the last event of the only stream, and the head");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for version in 0..150 {
        must_append(&*store, append([at(&only, version)], events(&only, 1))).await;
        tokio::task::yield_now().await;
    }
    writing.store(false, Ordering::Release);
    for reader in readers {
        reader.await.expect("the reader loads whole moments only");
    }
}
