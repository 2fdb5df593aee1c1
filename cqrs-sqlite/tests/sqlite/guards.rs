//! The database itself refuses to change what has happened.

use cqrs_core::store::EventStore;
use cqrs_sqlite::SqliteEventStore;
use rusqlite::Connection;

use crate::sample::{append, appended, fresh_path, stream, whole_log};

#[tokio::test]
async fn a_foreign_hand_can_neither_change_nor_remove_nor_replace_what_is_in_the_log() {
    let (_folder, path) = fresh_path();
    let store = SqliteEventStore::open(&path).await.unwrap();
    for id in ["a", "b"] {
        appended(store.append(append(&stream(id))).await);
    }
    let before = whole_log(&store).await;
    let foreign = Connection::open(&path).unwrap();
    let columns =
        "position, event_id, category, stream_id, version, name, schema_version, recorded_at, metadata, data";
    let copy = |position: &str, event_id: &str, stream_id: &str| {
        format!(
            "INSERT OR REPLACE INTO events ({columns})
             SELECT {position}, {event_id}, category, {stream_id}, version, 'forged', 1, recorded_at, metadata, '1'
             FROM events WHERE position = 1"
        )
    };
    for (sql, refusal) in [
        ("UPDATE events SET data = '{}' WHERE position = 1".to_owned(), "events are never changed"),
        (
            "UPDATE OR REPLACE events SET position = 2 WHERE position = 1".to_owned(),
            "events are never changed",
        ),
        ("DELETE FROM events".to_owned(), "events are never removed"),
        (copy("1", "randomblob(16)", "'new'"), "events are never replaced"),
        (copy("3", "event_id", "'new'"), "events are never replaced"),
        (copy("3", "randomblob(16)", "stream_id"), "events are never replaced"),
        ("UPDATE commands SET answer = 'forged'".to_owned(), "commands are never changed"),
        ("DELETE FROM commands".to_owned(), "commands are never removed"),
        (
            "INSERT OR REPLACE INTO commands SELECT id, id, category, stream_id, 9, 9, 0, NULL FROM commands"
                .to_owned(),
            "commands are never replaced",
        ),
        ("UPDATE log SET id = randomblob(16)".to_owned(), "the id of a log is never changed"),
        ("DELETE FROM log".to_owned(), "the id of a log is never removed"),
        ("INSERT OR REPLACE INTO log VALUES (randomblob(16))".to_owned(), "a log has one id"),
    ] {
        let error = foreign.execute(&sql, []).expect_err(&sql);
        assert_eq!(error.to_string(), refusal, "{sql}");
    }
    assert_eq!(whole_log(&store).await, before);
    appended(store.append(append(&stream("a"))).await);
}
