use std::time::{Duration, Instant};

use cqrs_core::{
    envelope::Json,
    store::{Entry, ViewStore},
};

use crate::conformance::{Stores, json::PECULIAR_NAMES};

fn text(text: &str) -> Json {
    Json::of(text).expect("a text is JSON")
}

/// All of a group, without their ages.
async fn entries(store: &dyn ViewStore, group: &str) -> Vec<(String, u64, String)> {
    let entries = store.coordination().entries(group).await.expect("entries are read");
    let plain = |Entry { key, revision, value, .. }| (key, revision, value.as_str().to_owned());
    entries.into_iter().map(plain).collect()
}

async fn put(store: &dyn ViewStore, key: &str, expected: u64, value: &str) -> Option<u64> {
    store.coordination().put_entry("group", key, expected, text(value)).await.expect("an entry is put")
}

async fn age(store: &dyn ViewStore, key: &str) -> Duration {
    let entries = store.coordination().entries("group").await.expect("entries are read");
    entries.into_iter().find(|entry| entry.key == key).expect("it was put").age
}

/// Entries come back by key, with what they say and how often they were put.
pub async fn entries_are_read_back_as_they_were_put(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    assert_eq!(entries(&*store, "group").await, []);
    let mut keys: Vec<&str> = PECULIAR_NAMES.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let value = r#"{"a":"it's \"1\"","b":[1,null]}"#;
    for key in keys.iter().rev() {
        let value = Json::from_text(value.to_owned()).expect("it is JSON");
        assert_eq!(store.coordination().put_entry("group", key, 0, value).await.expect("an entry is put"), Some(1));
    }
    let expected: Vec<_> = keys.iter().map(|key| ((*key).to_owned(), 1, value.to_owned())).collect();
    assert_eq!(entries(&*store, "group").await, expected);
}

/// Whoever knows another revision than the entry has changes nothing, and learns it.
pub async fn an_entry_changes_only_under_its_revision(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    assert_eq!(put(&*store, "a", 3, "none").await, None, "there is no such entry");
    assert_eq!(put(&*store, "a", 0, "first").await, Some(1));
    assert_eq!(put(&*store, "a", 0, "again").await, None, "it is there already");
    assert_eq!(put(&*store, "a", 1, "second").await, Some(2));
    assert_eq!(put(&*store, "a", 1, "late").await, None, "the revision is an old one");
    assert_eq!(put(&*store, "a", 3, "early").await, None, "the revision is not there yet");
    assert_eq!(entries(&*store, "group").await, [("a".to_owned(), 2, r#""second""#.to_owned())]);
}

/// Of many who know the same revision just one puts the entry.
pub async fn of_racing_puts_just_one_wins(stores: &Stores<dyn ViewStore>) {
    let (store, other) = (stores.open().await, stores.open().await);
    for round in 0..20 {
        let racing: Vec<_> = (0..8)
            .map(|writer| {
                let store = if writer % 2 == 0 { store.clone() } else { other.clone() };
                tokio::spawn(async move {
                    put(&*store, "a", round, &writer.to_string()).await.map(|revision| (revision, writer))
                })
            })
            .collect();
        let mut winner = None;
        for task in racing {
            if let Some((revision, writer)) = task.await.expect("putting does not panic") {
                assert_eq!(revision, round + 1);
                assert_eq!(winner.replace(writer), None, "two won in round {round}");
            }
        }
        let winner = winner.unwrap_or_else(|| panic!("nobody won in round {round}"));
        let value = text(&winner.to_string()).as_str().to_owned();
        assert_eq!(entries(&*other, "group").await, [("a".to_owned(), round + 1, value)]);
    }
}

/// An entry grows old by itself. Putting and touching it make it young again, under its revision alone.
pub async fn an_entry_grows_old_until_it_is_touched(stores: &Stores<dyn ViewStore>) {
    const LONG: Duration = Duration::from_millis(300);
    /// What clocks may count less of it.
    const AT_LEAST: Duration = Duration::from_millis(250);
    let store = stores.open().await;
    for key in ["a", "b", "c"] {
        put(&*store, key, 0, "1").await;
    }
    tokio::time::sleep(LONG).await;
    for key in ["a", "b", "c"] {
        assert!(age(&*store, key).await >= AT_LEAST, "{key} has not grown old");
    }
    let asked = Instant::now();
    let held = [("a".to_owned(), 1), ("b".to_owned(), 2), ("nobody".to_owned(), 1)];
    let touched = store.coordination().touch_entries("group", &held).await.expect("entries are touched");
    assert_eq!(touched, [true, false, false]);
    assert_eq!(put(&*store, "c", 1, "2").await, Some(2));
    for key in ["a", "c"] {
        let age = age(&*store, key).await;
        assert!(age <= asked.elapsed() + Duration::from_millis(50), "{key} is {age:?} old");
    }
    assert!(age(&*store, "b").await >= AT_LEAST, "another revision was touched");
    let unchanged = entries(&*store, "group").await;
    assert_eq!(unchanged[0], ("a".to_owned(), 1, r#""1""#.to_owned()), "touching changes nothing else");
    assert_eq!(store.coordination().touch_entries("group", &[]).await.expect("nothing is touched"), [] as [bool; 0]);
}

/// An entry is removed under its revision alone; put again, it begins anew.
pub async fn an_entry_is_removed_only_under_its_revision(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let remove = async |key: &str, revision| {
        store.coordination().remove_entry("group", key, revision).await.expect("an entry is removed")
    };
    for key in ["a", "b"] {
        put(&*store, key, 0, "1").await;
    }
    put(&*store, "a", 1, "2").await;
    assert!(!remove("a", 1).await, "the revision is an old one");
    assert!(!remove("c", 1).await, "there is no such entry");
    assert!(remove("a", 2).await);
    assert!(!remove("a", 2).await, "it is gone");
    assert_eq!(entries(&*store, "group").await, [("b".to_owned(), 1, r#""1""#.to_owned())]);
    assert_eq!(put(&*store, "a", 0, "anew").await, Some(1));
}

/// One key in two groups is two entries.
pub async fn groups_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    for (group, value) in [("a", "1"), ("a/b", "2"), ("A", "3")] {
        let put = store.coordination().put_entry(group, "b", 0, text(value)).await.expect("an entry is put");
        assert_eq!(put, Some(1), "{group}");
    }
    assert!(store.coordination().remove_entry("a", "b", 1).await.expect("an entry is removed"));
    assert_eq!(entries(&*store, "a").await, []);
    assert_eq!(entries(&*store, "a/b").await, [("b".to_owned(), 1, r#""2""#.to_owned())]);
    assert_eq!(entries(&*store, "A").await, [("b".to_owned(), 1, r#""3""#.to_owned())]);
}

/// Two handles see the same entries, and so does one that is opened later.
pub async fn entries_are_shared_and_stay(stores: &Stores<dyn ViewStore>) {
    let expected = [("a".to_owned(), 2, r#""second""#.to_owned())];
    {
        let (one, other) = (stores.open().await, stores.open().await);
        assert_eq!(put(&*one, "a", 0, "first").await, Some(1));
        assert_eq!(put(&*other, "a", 1, "second").await, Some(2));
        assert_eq!(entries(&*one, "group").await, expected);
    }
    let again = stores.open().await;
    assert_eq!(entries(&*again, "group").await, expected);
    assert_eq!(put(&*again, "a", 2, "third").await, Some(3));
}
