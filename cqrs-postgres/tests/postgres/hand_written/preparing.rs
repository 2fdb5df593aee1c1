//! How its tables come into being.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use cqrs_core::{
    app::{App, BuildError},
    envelope::Delivered,
    store::{BatchProjection as _, Error, ProjectionId, ProjectionSpec, ViewStore as _},
};
use cqrs_postgres::{
    SqlProjection,
    sqlx::{self, PgConnection},
};

use super::{
    ledger::{AccountEvent, Ledger},
    log,
    scene::{append, deposit},
};
use crate::server::Schema;

#[tokio::test]
async fn of_programs_that_start_at_once_one_after_the_other_creates_its_tables() {
    let ledger = Ledger::new(&Schema::new());
    let mut programs = Vec::new();
    for _ in 0..6 {
        programs.push(ledger.hand_written().await);
    }
    let preparing: Vec<_> =
        programs.into_iter().map(|program| tokio::spawn(async move { program.prepare().await })).collect();
    for prepared in preparing {
        prepared.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn its_tables_are_created_once_for_a_program_unless_the_database_was_emptied() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("a", 1)]).await;
    let hand_written = ledger.hand_written().await;
    for _ in 0..3 {
        hand_written.prepare().await.unwrap();
    }
    assert_eq!(ledger.seen.created.load(SeqCst), 1);
    ledger.run("DROP TABLE {schema}.entries, {schema}.sums; DELETE FROM {schema}.projections").await;
    hand_written.prepare().await.unwrap();
    assert_eq!(ledger.seen.created.load(SeqCst), 2);
    let app = ledger.app(&log, 10).await;
    ledger.assert_as_the_log(&*log).await;
    app.shutdown().await;
}

struct Broken;

impl SqlProjection for Broken {
    const NAME: &'static str = "broken";
    const VERSION: u32 = 3;
    type Event = AccountEvent;
    type Error = sqlx::Error;

    async fn create(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query("CREATE TABEL x ()").execute(db).await.map(drop)
    }

    async fn apply(&self, _: &[Delivered<AccountEvent>], _: &mut PgConnection) -> Result<(), sqlx::Error> {
        unreachable!("it was never prepared")
    }
}

#[tokio::test]
async fn tables_that_cant_be_created_fail_the_build() {
    let schema = Schema::new();
    let views = Arc::new(schema.connect_views().await);
    let built = App::builder(log()).batch_projection(views.sql(Broken)).build().await;
    let Err(BuildError::Store { projection, source: Error::Invalid { what } }) = built else {
        panic!("{built:?}")
    };
    assert_eq!(projection, Broken::id());
    assert!(what.contains("broken v3 can't create its tables") && what.contains("TABEL"), "{what}");
    assert_eq!(views.checkpoint(&Broken::id()).await.unwrap(), None);
}

#[tokio::test]
async fn it_does_not_take_the_place_of_a_projection_with_documents() {
    let schema = Schema::new();
    let views = Arc::new(schema.connect_views().await);
    let id = Ledger::id();
    views.prepare(&ProjectionSpec { id: id.clone(), indexes: Vec::new(), fingerprint: 7 }).await.unwrap();
    let refused = views.sql(Ledger::new(&schema)).prepare().await.unwrap_err();
    assert!(refused.to_string().contains("ledger v1 has documents already"), "{refused}");
    // Nor the other way round.
    views.sql(Broken).prepare().await.unwrap_err();
    let ledger = Ledger::new(&Schema::new());
    ledger.hand_written().await.prepare().await.unwrap();
    let views = ledger.schema.connect_views().await;
    let spec = ProjectionSpec { id: ProjectionId { ..id }, indexes: Vec::new(), fingerprint: 7 };
    let refused = views.prepare(&spec).await.unwrap_err();
    assert!(refused.to_string().contains("ledger v1 writes tables of its own"), "{refused}");
}
