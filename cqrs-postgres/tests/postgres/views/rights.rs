//! What the database's roles must be allowed to do.

use cqrs_core::{
    envelope::Json,
    store::{CommitError, Error, ViewStore as _},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::sample::{all, commit, keys, letter, position, put, spec, text};
use crate::server::{Schema, run, soon, url, url_with};

/// The grants that the documentation tells for this role, in another schema.
fn documented(schema: &str, role: &str, name: &str) -> String {
    let page = include_str!("../../../../docs/postgresql.md");
    let mark = format!("<!-- grants of {role} -->\n\n```sql\n");
    let (_, grants) = page.split_once(&mark).expect("the documentation tells the grants");
    let (grants, _) = grants.split_once("```").expect("the grants end");
    assert!(grants.contains(" cqrs_views ") && grants.contains(&format!(" {role};")), "{grants}");
    grants
        .replace(" cqrs_views ", &format!(" \"{schema}\" "))
        .replace(" cqrs_views.", &format!(" \"{schema}\"."))
        .replace(&format!(" {role};"), &format!(" \"{name}\";"))
}

async fn is_refused(connection: &mut PgConnection, schema: &Schema, sql: &str) {
    let sql = sql.replace("{}.", &format!("\"{}\".", schema.0));
    let error = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.expect_err(&sql);
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}: {error}");
}

#[tokio::test]
async fn roles_with_the_documented_rights_can_do_their_work_and_no_more() {
    let schema = Schema::new();
    let [projector, reader] = ["projector", "reader"].map(|role| format!("{role}_of_{}", schema.0));
    run(format!("CREATE ROLE \"{projector}\"; CREATE ROLE \"{reader}\"")).await;
    let [as_projector, as_reader] =
        [&projector, &reader].map(|role| url_with(&format!("options[role]={role}")));

    let error = schema.views().connect(&as_projector).await.unwrap_err();
    assert!(error.to_string().contains("let its owner run the migrations"), "{error}");
    schema.views().migrate(&url()).await.unwrap();
    run(documented(&schema.0, "projector", &projector)).await;
    run(documented(&schema.0, "reader", &reader)).await;

    // A table for documents is made by the schema's owner; then no more right is needed to find it there.
    let spec = spec("orders", &["customer"]);
    let store = schema.views().connect(&as_projector).await.unwrap();
    let error = store.prepare(&spec).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    schema.connect_views().await.prepare(&spec).await.unwrap();
    store.prepare(&spec).await.unwrap();

    let queries = schema.views().connect(&as_reader).await.unwrap();
    let mut news = queries.watch(&spec.id);
    for at in 0..2 {
        store.commit(&spec.id, commit(at, at + 1, vec![put("a", 1, &[text("ada")])])).await.unwrap();
        soon(news.wait_for(|known| known.is_some_and(|known| known.position.get() > at))).await.unwrap();
    }
    assert_eq!(store.load(&spec.id, &["a".to_owned()]).await.unwrap().len(), 1);
    for store in [&store, &queries] {
        assert_eq!(position(store, &spec.id).await, 2);
        assert_eq!(keys(store, &spec.id, &all()).await, ["a"]);
        assert!(store.get(&spec.id, "a").await.unwrap().value.is_some());
        assert!(store.parked_sequences(&spec.id).await.unwrap().is_empty());
    }
    // A dead letter comes and goes, and so does an entry.
    let mut parking = commit(2, 2, Vec::new());
    parking.parked = vec![letter("a", 2)];
    store.commit(&spec.id, parking).await.unwrap();
    let mut resolving = commit(2, 2, Vec::new());
    resolving.resolved = vec![(letter("a", 2).sequence, letter("a", 2).position)];
    store.commit(&spec.id, resolving).await.unwrap();
    let (entries, value) = (store.coordination(), || Json::of("me").unwrap());
    assert_eq!(entries.put_entry("leases", "a", 0, value()).await.unwrap(), Some(1));
    assert_eq!(entries.put_entry("leases", "a", 1, value()).await.unwrap(), Some(2));
    assert_eq!(entries.touch_entries("leases", &[("a".to_owned(), 2)]).await.unwrap(), [true]);
    assert_eq!(queries.coordination().entries("leases").await.unwrap().len(), 1);
    let error = queries.coordination().remove_entry("leases", "a", 2).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    assert!(entries.remove_entry("leases", "a", 2).await.unwrap());
    // Builds are listed by all, and removed by those who may make them.
    assert_eq!(queries.builds("orders").await.unwrap().len(), 1);
    let error = store.remove(&spec.id).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");

    let error = queries.commit(&spec.id, commit(2, 3, Vec::new())).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(Error::Invalid { .. })), "{error:?}");

    let mut connection = PgConnection::connect(&as_projector).await.unwrap();
    for sql in [
        "DELETE FROM {}.projections",
        "DELETE FROM {}.orders_v1",
        "TRUNCATE {}.orders_v1",
        "DROP TABLE {}.orders_v1",
        "UPDATE {}.format SET version = 2",
        "CREATE TABLE {}.mine ()",
    ] {
        is_refused(&mut connection, &schema, sql).await;
    }
    let mut connection = PgConnection::connect(&as_reader).await.unwrap();
    for sql in [
        "UPDATE {}.projections SET position = 0",
        "INSERT INTO {}.orders_v1 VALUES ('x', 1, 1, FALSE)",
        "UPDATE {}.orders_v1 SET data = NULL",
        "DELETE FROM {}.dead_letters",
        "UPDATE {}.coordination SET revision = 0",
    ] {
        is_refused(&mut connection, &schema, sql).await;
    }
    schema.connect_views().await.remove(&spec.id).await.unwrap();
    assert_eq!(queries.builds("orders").await.unwrap(), []);
    drop((store, queries, connection));
    for role in [projector, reader] {
        run(format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\"")).await;
    }
}
