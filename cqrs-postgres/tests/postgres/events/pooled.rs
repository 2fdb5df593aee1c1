//! Behind a pooler that hands out another connection for each transaction.

use cqrs_core::{
    envelope::{Json, Version},
    store::{AppendError, AppendOutcome, EventStore, Load, Snapshot, SnapshotStore},
};

use super::sample::{append, append_at, appended, soon, stream, whole_log};
use crate::{
    pooler::Pooler,
    server::{Schema, url},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_of_transactions_takes_nothing_away() {
    let (schema, pooler) = (Schema::new(), Pooler::new().await);
    // Somebody else's connections, so that there is always another one.
    let _others = [
        schema.events().pgbouncer(true).connect(&pooler.url()).await.unwrap(),
        schema.events().pgbouncer(true).connect(&pooler.url()).await.unwrap(),
    ];
    for (listen_url, options) in [(false, schema.events()), (true, schema.events().listen_url(url()))] {
        let store = options.pgbouncer(true).connect(&pooler.url()).await.unwrap();
        let stream = stream(&format!("listens-{listen_url}"));
        let mut news = store.watch();
        for version in 0..20 {
            let append = append_at(&stream, version);
            let position = appended(store.append(append.clone()).await).position;
            soon(news.wait_for(|head| *head >= position)).await.unwrap();
            assert!(matches!(store.append(append).await, Ok(AppendOutcome::Repeated(_))));
            let conflict = store.append(append_at(&stream, version)).await;
            assert!(matches!(conflict, Err(AppendError::Conflict { .. })), "{conflict:?}");
            let load = Load { stream: &stream, snapshot: Some(1), command: None };
            let loaded = store.load(load).await.unwrap();
            assert_eq!(loaded.head, position);
            assert_eq!(loaded.snapshot.map_or(0, |snapshot| snapshot.version.get()), version);
            assert_eq!(loaded.events.len(), 1);
            let data = Json::from_text("1".to_owned()).unwrap();
            let (version, last) = (Version::new(version + 1), loaded.events[0].event_id);
            let snapshot = Snapshot { stream: stream.clone(), version, last, fingerprint: 1, data };
            store.save_snapshot(snapshot).await.unwrap();
        }
        let mut together: Vec<_> = (0..50).map(|_| store.append(append(&stream))).collect();
        for append in &mut together {
            appended(soon(append).await);
        }
    }
    assert_eq!(whole_log(&schema.connect_events().await).await.len(), 140);
}
