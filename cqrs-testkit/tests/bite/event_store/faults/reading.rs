use cqrs_core::{
    envelope::{Json, LogId, Position, RecordedEvent, StreamId, Version},
    store::{
        CommandRecord, Error, EventFilter, Load, LogPage, RecordedCommand, Selector, Snapshot, StreamRead,
    },
};
use cqrs_testkit::tokio::sync::watch;
use uuid::Uuid;

use super::version;
use crate::{
    event_store::{Faults, OwnedLoad, Sound},
    hook::{hook, let_others_run},
};

fn in_events(page: Result<LogPage, Error>, change: impl FnMut(&mut RecordedEvent)) -> Result<LogPage, Error> {
    page.map(|mut page| {
        page.events.iter_mut().for_each(change);
        page
    })
}

type ReadLog = (Position, EventFilter, usize);
type ReadStream = (StreamId, StreamRead, usize);

/// Stores that break the rule where they read, or watch.
pub(super) fn reading(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        "versions_of_a_stream_are_consecutive_from_one" => {
            broken.read_stream = hook(|store: Sound, (stream, read, limit): ReadStream| async move {
                let mut events = store.read_stream(&stream, read, limit).await?;
                for event in &mut events {
                    event.version = Version::new(event.position.get());
                }
                Ok(events)
            });
        }
        "positions_are_consecutive_from_one" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let page = store.read_log(after, &filter, limit).await;
                in_events(page, |event| event.position = Position::new(event.position.get() * 2))
            });
        }
        "recorded_events_never_change" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let head = store.head().await?;
                let page = store.read_log(after, &filter, limit).await;
                in_events(page, |event| event.data = Json::of(&head).unwrap())
            });
        }
        "a_reader_of_the_tail_misses_nothing" => {
            // As where positions are drawn before the commit: the event before the last one shows up late.
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                let count = page.events.len();
                if count > 1 && page.events[count - 1].position == page.head {
                    page.events.remove(count - 2);
                }
                Ok(page)
            });
        }
        "a_load_is_of_one_moment" => {
            broken.load = hook(|store: Sound, load: OwnedLoad| async move {
                let mut loaded = store.load(load.load()).await?;
                let_others_run().await;
                loaded.head = store.head().await?;
                Ok(loaded)
            });
        }
        "a_command_is_found_with_its_events" => {
            broken.command = hook(|store: Sound, id| async move {
                let mut known = store.command(id).await?;
                if let Some(known) = &mut known {
                    known.events.retain(|event| event.stream == known.record.stream);
                }
                Ok(known)
            });
        }
        "an_unknown_command_is_not_found" => {
            broken.command = hook(|store: Sound, id| async move {
                let log = store.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await?;
                let of_command = log.events.into_iter().find(|event| event.metadata.command_id == id);
                Ok(of_command.map(|event| RecordedCommand {
                    record: CommandRecord {
                        id,
                        fingerprint: Uuid::nil(),
                        stream: event.stream.clone(),
                        answer: None,
                    },
                    version: event.version,
                    position: event.position,
                    events: vec![event],
                }))
            });
        }
        "a_stream_is_read_forwards_in_pages" => {
            broken.read_stream = hook(|store: Sound, (stream, read, limit): ReadStream| async move {
                let read = match read {
                    StreamRead::After(version) => {
                        StreamRead::After(Version::new(version.get().saturating_sub(1)))
                    }
                    before @ StreamRead::Before(_) => before,
                };
                store.read_stream(&stream, read, limit).await
            });
        }
        "a_stream_is_read_backwards_in_pages" => {
            broken.read_stream = hook(|store: Sound, (stream, read, limit): ReadStream| async move {
                let read = match read {
                    StreamRead::Before(Some(version)) => StreamRead::Before(Some(version.plus(1))),
                    other => other,
                };
                store.read_stream(&stream, read, limit).await
            });
        }
        "a_missing_stream_is_empty" => {
            broken.read_stream = hook(|store: Sound, (stream, read, limit): ReadStream| async move {
                if version(&store, &stream).await == Version::ZERO {
                    return Err(Error::invalid("no such stream"));
                }
                store.read_stream(&stream, read, limit).await
            });
        }
        "the_log_is_read_in_pages" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                page.head = page.through;
                Ok(page)
            });
        }
        "a_page_names_the_event_before_it" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                page.before = page.before.filter(|_| !page.events.is_empty());
                Ok(page)
            });
        }
        "a_filter_picks_just_its_events" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let whole = |selector: Selector| Selector { names: None, ..selector };
                let any_of = filter.any_of.map(|selectors| selectors.into_iter().map(whole).collect());
                store.read_log(after, &EventFilter { any_of }, limit).await
            });
        }
        "a_filtered_page_says_how_far_it_has_looked" => {
            broken.read_log = hook(|store: Sound, (after, filter, limit): ReadLog| async move {
                let mut page = store.read_log(after, &filter, limit).await?;
                page.through = page.events.last().map_or(after, |event| event.position);
                Ok(page)
            });
        }
        "the_head_is_the_last_position" => {
            broken.head = hook(|store: Sound, ()| async move { Ok(store.head().await?.plus(1)) });
        }
        "a_load_with_a_snapshot_has_only_the_events_after_it" => {
            broken.load = hook(|store: Sound, load: OwnedLoad| async move {
                let snapshot = store.load(load.load()).await?.snapshot;
                let whole = Load { snapshot: None, ..load.load() };
                let mut loaded = store.load(whole).await?;
                loaded.snapshot = snapshot;
                Ok(loaded)
            });
        }
        "a_load_ignores_a_snapshot_of_another_shape" => {
            broken.load = hook(|store: Sound, mut load: OwnedLoad| async move {
                load.snapshot = load.snapshot.map(|_| 1);
                store.load(load.load()).await
            });
        }
        "a_load_ignores_a_snapshot_of_another_past" => {
            broken.load = hook(|store: Sound, load: OwnedLoad| async move {
                let mut loaded = store.load(Load { snapshot: None, ..load.load() }).await?;
                if let Some(shape) = load.snapshot {
                    loaded.snapshot = store.snapshot(&load.stream, shape).await?;
                }
                if let Some(snapshot) = &loaded.snapshot {
                    loaded.events.retain(|event| event.version > snapshot.version);
                }
                Ok(loaded)
            });
        }
        "a_snapshot_of_another_past_is_replaced" => {
            broken.save_snapshot = hook(|store: Sound, snapshot: Snapshot| async move {
                let kept = store.snapshot(&snapshot.stream, snapshot.fingerprint).await?;
                if kept.is_some_and(|kept| kept.version >= snapshot.version) {
                    return Ok(());
                }
                store.save_snapshot(snapshot).await
            });
        }
        "a_random_history_equals_a_list" => {
            broken.read_stream = hook(|store: Sound, (stream, read, limit): ReadStream| async move {
                let limit = if limit == 3 { 2 } else { limit };
                store.read_stream(&stream, read, limit).await
            });
        }
        "a_watcher_is_woken_by_an_append" => {
            let (silent, watch) = watch::channel(Position::ZERO);
            broken.head = hook(move |store: Sound, ()| {
                // Open for as long as the store is, but nobody sends.
                let _ = &silent;
                async move { store.head().await }
            });
            broken.watch = Some(watch);
        }
        "a_log_keeps_its_identity" => broken.log_id = Some(LogId::generate),
        "each_log_has_an_identity_of_its_own" => {
            broken.log_id = Some(|| LogId::from_uuid(Uuid::from_u128(1)));
        }
        _ => return None,
    }
    Some(broken)
}
