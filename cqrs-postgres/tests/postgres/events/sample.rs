use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, RecordedEvent, StreamId, Version},
    store::{
        Append, AppendError, AppendOutcome, Appended, CommandRecord, Condition, EventFilter, EventStore,
        NewEvent, Past,
    },
};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Transaction};
use uuid::Uuid;

pub(super) use crate::server::soon;
use crate::server::{Schema, connect};

pub(super) fn stream(id: &str) -> StreamId {
    StreamId::new("order", id).unwrap()
}

pub(super) fn event(stream: &StreamId) -> NewEvent {
    NewEvent {
        event_id: EventId::generate(),
        stream: stream.clone(),
        name: "placed".into(),
        schema_version: SchemaVersion::FIRST,
        data: Json::from_text("{\"total\":1}".to_owned()).unwrap(),
    }
}

/// One event and its command, without conditions.
pub(super) fn append(stream: &StreamId) -> Append {
    let id = CommandId::generate();
    Append {
        conditions: Vec::new(),
        past: Past::UNKNOWN,
        events: vec![event(stream)],
        metadata: Metadata::of_command(id, Timestamp::now()),
        command: Some(CommandRecord { id, fingerprint: Uuid::nil(), stream: stream.clone(), answer: None }),
    }
}

pub(super) fn append_at(stream: &StreamId, version: u64) -> Append {
    let condition = Condition::Version { stream: stream.clone(), expected: Version::new(version) };
    Append { conditions: vec![condition], ..append(stream) }
}

pub(super) fn appended(outcome: Result<AppendOutcome, AppendError>) -> Appended {
    match outcome.unwrap() {
        AppendOutcome::Appended(appended) => appended,
        AppendOutcome::Repeated(command) => panic!("a new command was known: {command:?}"),
    }
}

pub(super) async fn whole_log(store: &dyn EventStore) -> Vec<RecordedEvent> {
    let page = store.read_log(Position::ZERO, &EventFilter::ALL, 1_000_000).await.unwrap();
    assert!(
        page.events.iter().map(|event| event.position.get()).eq(1..=page.head.get()),
        "positions are not consecutive"
    );
    assert!(page.events.is_sorted_by_key(|event| event.metadata.time), "recorded times go back");
    page.events
}

/// Keeps everybody from appending, as another process does for a moment.
pub(super) async fn hold<'a>(
    connection: &'a mut PgConnection,
    schema: &Schema,
) -> Transaction<'a, sqlx::Postgres> {
    let mut transaction = connection.begin().await.unwrap();
    let sql = format!("SELECT FROM \"{}\".log FOR UPDATE", schema.0);
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await.unwrap();
    transaction
}

/// Waits until an append waits for the one who holds the log.
pub(super) async fn until_held(schema: &Schema) {
    let mut observer = connect().await;
    let held = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"{}\".append%'",
        schema.0
    );
    while sqlx::query_scalar::<_, i64>(AssertSqlSafe(held.clone())).fetch_one(&mut observer).await.unwrap()
        == 0
    {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
