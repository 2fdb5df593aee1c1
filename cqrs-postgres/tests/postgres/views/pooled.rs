//! Behind a pooler that hands out another connection for each transaction.

use cqrs_core::{
    domain::IndexValue::Int,
    store::{Comparison, Filter, Find, ViewStore},
};

use super::sample::{all, commit, keys, put, spec};
use crate::{
    pooler::Pooler,
    server::{Schema, soon, url},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_of_transactions_takes_nothing_away() {
    let (schema, pooler) = (Schema::new(), Pooler::new().await);
    // Somebody else's connections, so that there is always another one.
    let _others = [
        schema.views().pgbouncer(true).connect(&pooler.url()).await.unwrap(),
        schema.views().pgbouncer(true).connect(&pooler.url()).await.unwrap(),
    ];
    for (name, options) in [("polled", schema.views()), ("told", schema.views().listen_url(url()))] {
        let store = options.pgbouncer(true).connect(&pooler.url()).await.unwrap();
        let before = spec(name, &["a"]);
        store.prepare(&before).await.unwrap();
        let spec = spec(name, &["b", "a"]);
        store.prepare(&spec).await.unwrap();
        let mut news = store.watch(&spec.id);
        for at in 0..20_u64 {
            let value = Int(at.cast_signed());
            let documents = vec![
                put("same", 1, &[value.clone(), Int(0)]),
                put(&format!("{at:02}"), at + 1, &[value, Int(1)]),
            ];
            store.commit(&spec.id, commit(at, at + 1, documents.clone())).await.unwrap();
            soon(news.wait_for(|known| known.is_some_and(|known| known.position.get() > at))).await.unwrap();
            store.commit(&spec.id, commit(at, at + 1, documents)).await.unwrap_err();
            let read = store.get(&spec.id, "same").await.unwrap();
            assert_eq!(read.checkpoint.unwrap().position.get(), at + 1);
            assert!(read.value.is_some());
            assert_eq!(store.load(&spec.id, &["same".to_owned(), "00".to_owned()]).await.unwrap().len(), 2);
        }
        let filter = Filter { index: "a".to_owned(), comparison: Comparison::OneOf(vec![Int(1)]) };
        let find = Find { filters: vec![filter], ..all() };
        assert_eq!(keys(&store, &spec.id, &find).await.len(), 20);
    }
}
