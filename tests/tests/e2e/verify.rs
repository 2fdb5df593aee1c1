//! The views next to a fold from scratch, from another process than the one that builds them.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use cqrs_core::{
    app::App,
    domain::{IndexValue, Projection},
    envelope::{Json, Position},
    operations::{Mismatch, Verification, Verify},
    store::{Change, Commit, DocumentWrite, ProjectionId, ViewStore},
};
use cqrs_mongo::MongoViewStore;
use cqrs_postgres::PostgresViewStore;
use cqrs_sqlite::SqliteViewStore;
use order_views::{CustomerSummary, OrderSummary};

use crate::{
    log,
    orders::{cancel, confirm, place},
    place::Place,
    runtime::block_on,
    stores::Stores,
};

on_shared_stores! {
    views_equal_a_fold_from_scratch_while_orders_come_in,
}

fn views(store: &str) -> Arc<dyn ViewStore> {
    match store.split_once(':') {
        Some(("sqlite", file)) => Arc::new(block_on(SqliteViewStore::open(file)).expect("the views open")),
        Some(("postgres", _)) => {
            Arc::new(block_on(PostgresViewStore::connect(store)).expect("the views open"))
        }
        Some(("mongodb", _)) => Arc::new(block_on(MongoViewStore::connect(store)).expect("the views open")),
        _ => panic!("views can't be read past the service in {store:?}"),
    }
}

#[track_caller]
fn assert_equal<P: Projection>(app: &App, verify: Verify) -> Verification {
    let report = block_on(app.verify::<P>(verify)).expect("it can be compared");
    assert!(report.is_equal(), "{report:#?}");
    assert_eq!(report.folded, report.stored);
    report
}

fn views_equal_a_fold_from_scratch_while_orders_come_in(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let some = |count| NonZeroUsize::new(count).expect("it is not zero");
    for number in 0..30 {
        let order = place(&client, &format!("customer-{}", number % 7));
        let token = if number % 3 == 0 { cancel(&client, &order.id) } else { confirm(&client, &order.id) };
        client.get(&order.path()).at_least(&token).expect(200);
    }
    let (log, views) = (log::open(files.write_store()), views(files.read_store()));
    let app = App::builder(log)
        .query_only::<OrderSummary>(Arc::clone(&views))
        .query_only::<CustomerSummary>(Arc::clone(&views));
    let app = block_on(app.build()).expect("it starts");

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let order = place(&client, "ada");
                confirm(&client, &order.id);
            }
        });
        for at_once in [5, 20, 1_000] {
            let report = assert_equal::<OrderSummary>(&app, Verify::all().at_once(some(at_once)));
            assert!(report.compared >= 30 && report.parked == 0, "{report:?}");
            assert_equal::<CustomerSummary>(&app, Verify::all().at_once(some(at_once)));
            let sample = assert_equal::<OrderSummary>(&app, Verify::sample(some(10), at_once as u64));
            assert_eq!(sample.compared, 10);
        }
        done.store(true, SeqCst);
    });
    let last = place(&client, "last");
    client.get(&last.path()).at_least(&last.token).expect(200);
    assert!(service.terminate().status.success());
    let report = assert_equal::<OrderSummary>(&app, Verify::all());
    assert_eq!(report.position, Position::new(last.position));

    // One too many, put there by a foreign hand.
    let id = ProjectionId::of::<OrderSummary>();
    block_on(async {
        let checkpoint = views.checkpoint(&id).await.expect("it is there").expect("it was built");
        let data = Json::from_text(r#"{"surplus":true}"#.to_owned()).expect("it is JSON");
        let indexes = OrderSummary::INDEXES.iter().map(|_| IndexValue::Null).collect();
        let documents = vec![DocumentWrite {
            key: "surplus".to_owned(),
            created: Position::new(1),
            applied: Position::new(1),
            change: Change::Put { data: data.into(), indexes },
        }];
        let commit = Commit { documents, ..Commit::of(checkpoint.position, checkpoint) };
        views.commit(&id, commit).await.expect("nobody runs it");
    });
    let found = block_on(app.verify::<OrderSummary>(Verify::all())).expect("it can be compared");
    let differences: Vec<_> =
        found.differences.iter().map(|it| (it.key.as_str(), it.mismatch.clone())).collect();
    assert_eq!(differences, [("surplus", Mismatch::Surplus)]);
    assert_eq!((found.folded, found.compared), (report.folded, report.compared + 1));
    block_on(app.shutdown());
}
