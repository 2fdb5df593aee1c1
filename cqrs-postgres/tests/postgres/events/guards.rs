//! The database itself refuses to change what has happened, and an application needs few rights.

use cqrs_core::{
    envelope::{EventId, Json, Version},
    store::{Append, EventStore, Load, Snapshot, SnapshotStore},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgDatabaseError};

use super::sample::{append, append_at, appended, soon, stream, whole_log};
use crate::server::{Schema, connect, run, url};

/// The code and the message of PostgreSQL's refusal.
async fn refused(connection: &mut PgConnection, sql: String) -> (String, String) {
    let error = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.expect_err(&sql);
    let error = error.as_database_error().expect("the server refuses").downcast_ref::<PgDatabaseError>();
    (error.code().to_owned(), error.message().to_owned())
}

#[tokio::test]
async fn not_even_a_superuser_can_change_or_remove_what_is_in_the_log() {
    let schema = Schema::new();
    let store = schema.connect_events().await;
    for id in ["a", "b"] {
        appended(store.append(append(&stream(id))).await);
    }
    let before = whole_log(&store).await;
    let mut foreign = connect().await;
    for (sql, refusal) in [
        ("UPDATE {}.events SET data = '{}'", "events are never changed"),
        ("UPDATE {}.events SET data = '{}' WHERE position = 99", "events are never changed"),
        ("DELETE FROM {}.events WHERE position = 1", "events are never removed"),
        ("TRUNCATE {}.events", "events are never removed"),
        (
            "INSERT INTO {}.events SELECT * FROM {}.events ON CONFLICT (position) DO UPDATE SET name = 'forged'",
            "events are never changed",
        ),
        ("UPDATE {}.commands SET answer = 'forged'", "commands are never changed"),
        ("DELETE FROM {}.commands", "commands are never removed"),
        ("TRUNCATE {}.commands", "commands are never removed"),
        ("UPDATE {}.log SET id = gen_random_uuid()", "the id of a log is never changed"),
        ("DELETE FROM {}.log", "the id of a log is never changed"),
        ("TRUNCATE {}.log", "the id of a log is never changed"),
    ] {
        let sql = sql.replace("{}.", &format!("\"{}\".", schema.0));
        assert_eq!(
            refused(&mut foreign, sql.clone()).await,
            ("23001".to_owned(), refusal.to_owned()),
            "{sql}"
        );
    }
    let second = format!("INSERT INTO \"{}\".log VALUES (gen_random_uuid())", schema.0);
    assert_eq!(refused(&mut foreign, second).await.0, "23505", "a log with two ids");
    assert_eq!(whole_log(&store).await, before);
    appended(store.append(append(&stream("a"))).await);
}

/// The grants that the documentation tells.
fn documented_grants(schema: &str, role: &str) -> String {
    let readme = include_str!("../../../README.md");
    let (_, grants) =
        readme.split_once("<!-- grants -->\n\n```sql\n").expect("the documentation tells the grants");
    let (grants, _) = grants.split_once("```").expect("the grants end");
    assert!(grants.contains(" cqrs ") && grants.contains(" app;"), "{grants}");
    grants
        .replace(" cqrs.", &format!(" \"{schema}\"."))
        .replace(" cqrs ", &format!(" \"{schema}\" "))
        .replace(" app;", &format!(" \"{role}\";"))
}

#[tokio::test]
async fn a_role_with_the_documented_rights_can_do_all_and_change_nothing() {
    let schema = Schema::new();
    let role = format!("app_of_{}", schema.0);
    run(format!("CREATE ROLE \"{role}\"")).await;
    let separator = if url().contains('?') { '&' } else { '?' };
    let as_role = format!("{}{separator}options[role]={role}", url());

    let error = schema.events().connect(&as_role).await.unwrap_err();
    assert!(error.to_string().contains("let its owner run the migrations"), "{error}");
    schema.events().migrate(&url()).await.unwrap();
    run(documented_grants(&schema.0, &role)).await;

    let store = schema.events().connect(&as_role).await.unwrap();
    let mut news = store.watch();
    let stream = stream("a");
    let first = append_at(&stream, 0);
    let command = first.command.as_ref().unwrap().id;
    appended(store.append(first).await);
    store.append(append_at(&stream, 0)).await.expect_err("a conflict");
    let end = appended(store.append(append_at(&stream, 1)).await).position;
    soon(news.wait_for(|head| *head >= end)).await.unwrap();
    let data = Json::from_text("1".to_owned()).unwrap();
    let (version, last) = (Version::new(1), EventId::generate());
    let snapshot = Snapshot { stream: stream.clone(), version, last, fingerprint: 1, data };
    store.save_snapshot(snapshot.clone()).await.unwrap();
    store.save_snapshot(Snapshot { version: Version::new(2), ..snapshot }).await.unwrap();
    let load = Load { stream: &stream, snapshot: Some(1), command: Some(command) };
    assert!(store.load(load).await.unwrap().command.is_some());
    assert_eq!(whole_log(&store).await.len(), 2);
    store.drop_snapshots("order").await.unwrap();

    let mut connection = PgConnection::connect(&as_role).await.unwrap();
    for sql in [
        "UPDATE {}.events SET data = '{}'",
        "DELETE FROM {}.events",
        "TRUNCATE {}.events",
        "UPDATE {}.commands SET answer = 'forged'",
        "DELETE FROM {}.commands",
        "TRUNCATE {}.commands",
        "DELETE FROM {}.log",
        "INSERT INTO {}.log VALUES (gen_random_uuid())",
        "UPDATE {}.format SET version = 2",
        "CREATE TABLE {}.mine ()",
    ] {
        let sql = sql.replace("{}.", &format!("\"{}\".", schema.0));
        assert_eq!(refused(&mut connection, sql.clone()).await.0, "42501", "{sql}");
    }
    drop((store, connection));
    run(format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\"")).await;
}

#[tokio::test]
async fn what_is_acknowledged_is_on_disk_whatever_the_database_does_by_default() {
    let schema = Schema::new();
    let url = crate::server::url_with("options=-c%20synchronous_commit%3Doff");
    let store = schema.events().statement_timeout(None).lock_timeout(None).connect(&url).await.unwrap();
    run(format!(
        "CREATE TABLE \"{0}\".commits (how text);
         CREATE FUNCTION \"{0}\".note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO \"{0}\".commits VALUES (current_setting('synchronous_commit'));
             RETURN NULL;
         END
         $$;
         CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON \"{0}\".events DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION \"{0}\".note();",
        schema.0
    ))
    .await;
    appended(store.append(append(&stream("a"))).await);
    // On the short way, too.
    appended(store.append(Append { command: None, ..append_at(&stream("b"), 0) }).await);
    let noted = format!("SELECT how FROM \"{}\".commits", schema.0);
    let rows = sqlx::raw_sql(AssertSqlSafe(noted)).fetch_all(&mut connect().await).await.unwrap();
    let how: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    assert_eq!(how, ["local", "local"]);
}
