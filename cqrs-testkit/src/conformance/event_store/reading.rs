use std::collections::BTreeMap;

use cqrs_core::{
    envelope::{Json, Position, RecordedEvent, StreamId, Version},
    store::{
        AppendError, EventFilter, EventStore, LogPage, Selector, StreamRead,
    },
};
use proptest::prelude::*;

use super::sample::{
    append, at, event, event_named, events, head, ids, load, more, must_append, positions, read_all, read_page,
    read_stream, stream, stream_of, ten_events, versions,
};
use crate::conformance::{Stores, json::PECULIAR_NAMES, property};

async fn page(store: &dyn EventStore, stream: &StreamId, read: StreamRead, limit: usize) -> Vec<u64> {
    let events = store.read_stream(stream, read, limit).await.expect("a stream is read");
    assert!(events.iter().all(|event| event.stream == *stream), "events of another stream");
    versions(&events)
}

/// Oldest first, those after a version, at most so many.
pub async fn a_stream_is_read_forwards_in_pages(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let after = |version| StreamRead::After(Version::new(version));
    assert_eq!(page(&*store, &a, after(0), 4).await, [1, 2, 3, 4]);
    assert_eq!(page(&*store, &a, after(4), 4).await, [5, 6, 7, 8]);
    assert_eq!(page(&*store, &a, after(8), 4).await, [9, 10]);
    assert_eq!(page(&*store, &a, after(8), 2).await, [9, 10]);
    assert_eq!(page(&*store, &a, after(0), 100).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(page(&*store, &a, after(10), 4).await, [0; 0]);
    assert_eq!(page(&*store, &a, after(1_000_000), 4).await, [0; 0]);
}

/// Newest first, those before a version or from the end, at most so many.
pub async fn a_stream_is_read_backwards_in_pages(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = ten_events(&*store).await;
    let before = |version| StreamRead::Before(Some(Version::new(version)));
    assert_eq!(page(&*store, &a, StreamRead::Before(None), 4).await, [10, 9, 8, 7]);
    assert_eq!(page(&*store, &a, before(7), 4).await, [6, 5, 4, 3]);
    assert_eq!(page(&*store, &a, before(3), 4).await, [2, 1]);
    assert_eq!(page(&*store, &a, before(1), 4).await, [0; 0]);
    assert_eq!(page(&*store, &a, before(0), 4).await, [0; 0]);
    assert_eq!(page(&*store, &a, before(1_000_000), 2).await, [10, 9]);
    assert_eq!(page(&*store, &a, StreamRead::Before(None), 100).await, (1..=10).rev().collect::<Vec<_>>());
}

/// A stream that nobody wrote to has no events, and is no error.
pub async fn a_missing_stream_is_empty(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    must_append(&*store, more(&stream("a"), 3)).await;
    for missing in [stream("missing"), stream_of("payment", "a")] {
        assert_eq!(read_stream(&*store, &missing).await, []);
        assert_eq!(page(&*store, &missing, StreamRead::Before(None), 10).await, [0; 0]);
        let loaded = load(&*store, &missing).await;
        assert_eq!(loaded.events, []);
        assert_eq!(loaded.snapshot, None);
        assert_eq!(loaded.head.get(), 3, "the head of the log, not of the stream");
    }
}

/// Categories and ids that differ in any byte name different streams; nothing in them has a meaning.
pub async fn names_are_taken_literally(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let by_id = PECULIAR_NAMES.iter().map(|name| stream_of("order", name));
    let by_category = PECULIAR_NAMES.iter().map(|name| stream_of(name, "order"));
    let slashes = [stream_of("x", "y/z"), stream_of("x/y", "z"), stream_of("x", "y:z"), stream_of("x:y", "z")];
    let streams: Vec<StreamId> = by_id.chain(by_category).chain(slashes).collect();
    for stream in &streams {
        must_append(&*store, append([at(stream, 0)], [event(stream)])).await;
    }
    for (stream, position) in streams.iter().zip(1..) {
        let events = read_stream(&*store, stream).await;
        assert_eq!(positions(&events), [position], "the events of {stream:?}");
        assert_eq!(&events[0].stream, stream);
        assert_eq!(load(&*store, stream).await.events, events);
    }
    for name in PECULIAR_NAMES {
        let selector = Selector { category: (*name).to_owned(), names: None };
        let filter = EventFilter { any_of: Some(vec![selector]) };
        let page = read_page(&*store, Position::ZERO, &filter, 100).await;
        assert_eq!(page.events.len(), 1, "the events of the category {name:?}");
        assert_eq!(page.events[0].stream.category(), *name);
    }
}

/// The log is read in its order, from any position, at most so many events a page; a page says how far it has come
/// and where the head is.
pub async fn the_log_is_read_in_pages(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let empty = read_page(&*store, Position::ZERO, &EventFilter::ALL, 4).await;
    assert_eq!((empty.events.len(), empty.through.get(), empty.head.get()), (0, 0, 0), "an empty log");
    assert_eq!(empty.last, None, "the last id of an empty log");
    ten_events(&*store).await;
    for (after, limit, expected, through) in
        [(0, 8, 1..=8, 8), (8, 8, 9..=16, 16), (16, 8, 17..=20, 20), (12, 8, 13..=20, 20), (0, 100, 1..=20, 20)]
    {
        let LogPage { events, through: reached, last, head, .. } =
            read_page(&*store, Position::new(after), &EventFilter::ALL, limit).await;
        assert_eq!(positions(&events), expected.collect::<Vec<_>>(), "{limit} after {after}");
        assert_eq!((reached.get(), head.get()), (through, 20), "through and head of {limit} after {after}");
        assert_eq!(last, events.last().map(|event| event.event_id), "the last id of {limit} after {after}");
    }
    let all = read_all(&*store).await;
    let none = read_page(&*store, Position::ZERO, &picking(&[]), 8).await;
    assert_eq!(none.last, all.last().map(|event| event.event_id), "the last id, where no event is picked");
    let end = read_page(&*store, Position::new(20), &EventFilter::ALL, 8).await;
    assert_eq!((end.events.len(), end.through.get(), end.head.get()), (0, 20, 20), "at the end");
}

/// A page names the event after which it begins, whichever events it has itself: by that, a reader who has seen that event
/// finds out that the log was put back to an earlier state.
pub async fn a_page_names_the_event_before_it(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let empty = read_page(&*store, Position::new(1), &EventFilter::ALL, 4).await;
    assert_eq!(empty.before, None, "of an empty log");
    ten_events(&*store).await;
    let all = read_all(&*store).await;
    let mut known = vec![None];
    known.extend(all.iter().map(|event| Some(event.event_id)));
    known.push(None);
    for filter in [EventFilter::ALL, picking(&[]), picking(&[("order", None)])] {
        for limit in [1, 100] {
            for (after, expected) in (0..).zip(&known) {
                let page = read_page(&*store, Position::new(after), &filter, limit).await;
                assert_eq!(page.before, *expected, "{limit} of {filter:?} after {after}");
            }
        }
    }
}

const CATEGORIES: [&str; 3] = ["order", "payment", "refund"];
const NAMES: [&str; 3] = ["placed", "confirmed", "taken"];

fn picking(selectors: &[(&str, Option<&[&str]>)]) -> EventFilter {
    let selector = |(category, names): &(&str, Option<&[&str]>)| Selector {
        category: (*category).to_owned(),
        names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    };
    EventFilter { any_of: Some(selectors.iter().map(selector).collect()) }
}

fn filters() -> Vec<EventFilter> {
    vec![
        EventFilter::ALL,
        picking(&[]),
        picking(&[("order", None)]),
        picking(&[("order", Some(&[]))]),
        picking(&[("order", Some(&["placed"]))]),
        picking(&[("order", Some(&["placed", "confirmed"]))]),
        picking(&[("order", Some(&["placed"])), ("payment", Some(&["taken", "placed"]))]),
        picking(&[("order", None), ("refund", Some(&["confirmed"]))]),
        picking(&[("order", None), ("order", Some(&["placed"]))]),
        picking(&[("missing", None)]),
        picking(&[("order", Some(&["missing"])), ("placed", None)]),
    ]
}

async fn mixed_log(store: &dyn EventStore) -> Vec<RecordedEvent> {
    let events = (0..45).map(|nth| event_named(&stream_of(CATEGORIES[nth / 3 % 3], "1"), NAMES[nth * 7 % 3]));
    must_append(store, append([], events)).await;
    must_append(store, append([], events_without_match())).await;
    read_all(store).await
}

fn events_without_match() -> Vec<cqrs_core::store::NewEvent> {
    events(&stream_of("other", "1"), 5)
}

/// A filter picks events by category, and by category and name: those that any of its selectors picks, each once.
pub async fn a_filter_picks_just_its_events(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let log = mixed_log(&*store).await;
    for filter in filters() {
        let picked = |event: &&RecordedEvent| filter.picks(event.stream.category(), &event.name);
        let expected: Vec<RecordedEvent> = log.iter().filter(picked).cloned().collect();
        let page = read_page(&*store, Position::ZERO, &filter, 100).await;
        assert_eq!(positions(&page.events), positions(&expected), "what {filter:?} picks");
        assert_eq!(page.events, expected);
    }
}

/// Every event up to [`LogPage::through`] has been looked at: reading on after it misses nothing, and a page with
/// fewer events than wanted reaches the head.
pub async fn a_filtered_page_says_how_far_it_has_looked(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let log = mixed_log(&*store).await;
    for filter in filters() {
        let picked = |event: &&RecordedEvent| filter.picks(event.stream.category(), &event.name);
        let expected: Vec<u64> = log.iter().filter(picked).map(|event| event.position.get()).collect();
        for limit in [1, 2, 5, 50] {
            let mut found = Vec::new();
            let mut after = Position::ZERO;
            loop {
                let page = read_page(&*store, after, &filter, limit).await;
                assert_eq!(page.head.get(), 50);
                found.extend(positions(&page.events));
                let last = found.last().copied().unwrap_or_default();
                let looked = page.through;
                assert!(looked.get() >= last && looked <= page.head, "through {looked} with {filter:?}");
                if page.events.len() < limit {
                    assert_eq!(looked, page.head, "a short page does not reach the head with {filter:?}");
                    break;
                }
                assert!(looked > after, "reading on from {after} gets nowhere with {filter:?}");
                after = looked;
            }
            assert_eq!(found, expected, "pages of {limit} with {filter:?}");
        }
    }
}

/// The head is 0 at first, and then the position of the last event.
pub async fn the_head_is_the_last_position(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let a = stream("a");
    assert_eq!((head(&*store).await, load(&*store, &a).await.head.get()), (0, 0));
    for size in 1..5 {
        let last = must_append(&*store, more(&a, size)).await.position;
        assert_eq!(store.head().await.expect("the head is read"), last);
        assert_eq!(load(&*store, &a).await.head, last);
        assert_eq!(read_page(&*store, last, &EventFilter::ALL, 1).await.head, last);
    }
}

/// What a random history does next.
#[derive(Clone, Debug)]
enum Step {
    /// Append so many events to each of these streams, on versions that are off by this.
    Append(Vec<(u8, u8)>, Option<i8>),
    ReadStream { stream: u8, from: u8, backwards: bool, limit: u8 },
    ReadLog { after: u8, limit: u8, category: Option<u8> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let off = prop_oneof![2 => Just(None), 3 => Just(Some(0)), 1 => (-1_i8..=1).prop_map(Some)];
    let step = prop_oneof![
        3 => (proptest::collection::vec((0_u8..3, 0_u8..4), 0..4), off)
            .prop_map(|(sizes, off)| Step::Append(sizes, off)),
        2 => (0_u8..3, 0_u8..7, any::<bool>(), 1_u8..6)
            .prop_map(|(stream, from, backwards, limit)| Step::ReadStream { stream, from, backwards, limit }),
        2 => (0_u8..24, 1_u8..8, proptest::option::of(0_u8..3))
            .prop_map(|(after, limit, category)| Step::ReadLog { after, limit, category }),
    ];
    proptest::collection::vec(step, 1..32)
}

/// After any series of appends and reads the store answers as a plain list of events would.
pub async fn a_random_history_equals_a_list(stores: &Stores<dyn EventStore>) {
    let stores = stores.elsewhere();
    property::check(48, steps(), move |steps| {
        let stores = stores.elsewhere();
        async move { replay(&*stores.open().await, steps).await }
    })
    .await;
}

fn stream_number(number: u8) -> StreamId {
    stream_of(CATEGORIES[usize::from(number % 2)], &number.to_string())
}

async fn replay(store: &dyn EventStore, steps: Vec<Step>) {
    let mut list: Vec<(StreamId, Json)> = Vec::new();
    let of_stream = |list: &[(StreamId, Json)], stream: &StreamId| -> Vec<Json> {
        list.iter().filter(|(of, _)| of == stream).map(|(_, data)| data.clone()).collect()
    };
    for step in steps {
        match step {
            Step::Append(sizes, off) => {
                let streams: BTreeMap<u8, u8> = sizes.into_iter().collect();
                let version = |stream: u8| of_stream(&list, &stream_number(stream)).len() as u64;
                let expected = |stream: u8| off.and_then(|off| version(stream).checked_add_signed(off.into()));
                let conditions = streams
                    .keys()
                    .filter_map(|stream| expected(*stream).map(|expected| at(&stream_number(*stream), expected)));
                let conditions: Vec<_> = conditions.collect();
                let fits = streams
                    .keys()
                    .all(|stream| expected(*stream).is_none_or(|expected| expected == version(*stream)));
                let given: Vec<_> =
                    streams.iter().flat_map(|(stream, size)| events(&stream_number(*stream), usize::from(*size))).collect();
                let outcome = store.append(append(conditions, given.clone())).await;
                match outcome {
                    Ok(_) => assert!(fits, "an append was taken that does not fit"),
                    Err(AppendError::Conflict { .. }) => assert!(!fits, "an append was refused that fits"),
                    Err(other) => panic!("only conflicts were to be expected, but: {other:?}"),
                }
                if fits {
                    list.extend(given.into_iter().map(|event| (event.stream, event.data)));
                }
            }
            Step::ReadStream { stream, from, backwards, limit } => {
                let stream = stream_number(stream);
                let all = of_stream(&list, &stream);
                let from = usize::from(from);
                let (read, expected): (_, Vec<Json>) = if backwards {
                    let before = StreamRead::Before(Some(Version::new(from as u64)));
                    (before, all.into_iter().take(from.saturating_sub(1)).rev().take(limit.into()).collect())
                } else {
                    let after = StreamRead::After(Version::new(from as u64));
                    (after, all.into_iter().skip(from).take(limit.into()).collect())
                };
                let found = store.read_stream(&stream, read, limit.into()).await.expect("a stream is read");
                assert_eq!(found.into_iter().map(|event| event.data).collect::<Vec<_>>(), expected);
            }
            Step::ReadLog { after, limit, category } => {
                let filter = category.map_or(EventFilter::ALL, |category| picking(&[(CATEGORIES[usize::from(category)], None)]));
                let after = usize::from(after).min(list.len());
                let expected: Vec<Json> = list[after..]
                    .iter()
                    .filter(|(stream, _)| filter.picks(stream.category(), "noted"))
                    .take(limit.into())
                    .map(|(_, data)| data.clone())
                    .collect();
                let page = read_page(store, Position::new(after as u64), &filter, limit.into()).await;
                assert_eq!(page.events.into_iter().map(|event| event.data).collect::<Vec<_>>(), expected);
            }
        }
    }
    let log = read_all(store).await;
    assert_eq!(log.len(), ids(&log).len());
    assert_eq!(log.into_iter().map(|event| (event.stream, event.data)).collect::<Vec<_>>(), list);
}
