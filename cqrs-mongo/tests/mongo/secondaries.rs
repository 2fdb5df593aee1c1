//! Queries that go to other members than the primary.

use cqrs_core::store::{Direction, Find, OrderBy, ProjectionSpec, ViewStore};
use cqrs_mongo::{
    MongoViewStore,
    mongodb::{
        bson::{Document, Timestamp},
        options::ReadPreference,
    },
};
use cqrs_testkit::tokio;

use crate::{
    proxy::Proxy,
    sample::{batch, put, spec},
    scratch::{Scratch, server},
};

/// What a read asked for.
#[derive(Debug)]
struct Asked {
    collection: String,
    mode: String,
    after: Option<Timestamp>,
}

/// The reads among the messages, in their order.
fn reads(messages: &[Document]) -> Vec<Asked> {
    let read = |message: &Document| {
        let collection = message.get_str("find").ok()?.to_owned();
        let preference = message.get_document("$readPreference").ok()?;
        let concern = message.get_document("readConcern").ok()?;
        assert_eq!(concern.get_str("level").ok(), Some("majority"), "{message}");
        Some(Asked {
            collection,
            mode: preference.get_str("mode").ok()?.to_owned(),
            after: concern.get_timestamp("afterClusterTime").ok(),
        })
    };
    messages.iter().filter_map(read).collect()
}

/// A store whose queries go to secondaries, with one document, and what can be seen of what it asks.
async fn filled(scratch: &Scratch) -> (Proxy, MongoViewStore, ProjectionSpec) {
    let proxy = Proxy::before(&server()).await;
    let options =
        MongoViewStore::options().read_preference(ReadPreference::SecondaryPreferred { options: None });
    let store = options.connect(&proxy.url(&scratch.name)).await.unwrap();
    let orders = spec("orders", &[]);
    store.prepare(&orders).await.unwrap();
    store.commit(&orders.id, batch(0, 3, vec![put("a", 2, &[])])).await.unwrap();
    (proxy, store, orders)
}

/// The checkpoint that an answer carries may come from a member that is ahead of the one that gives the document. So the
/// second read is asked for what is at least as new as what the first has seen, and the answer is never older than it says.
#[tokio::test]
async fn a_document_is_at_least_as_new_as_the_checkpoint_beside_it_whoever_answers() {
    let scratch = Scratch::new();
    let (proxy, store, orders) = filled(&scratch).await;
    let before = proxy.seen().len();
    store.get(&orders.id, "a").await.unwrap().value.unwrap();
    let all = Find {
        filters: Vec::new(),
        order: OrderBy::Created,
        direction: Direction::Ascending,
        after: None,
        limit: 10,
    };
    assert_eq!(store.find(&orders.id, &all).await.unwrap().value.len(), 1);
    let seen = proxy.seen();
    let asked = reads(&seen[before..]);
    let [first, document, second, page] = asked.as_slice() else { panic!("two pairs of reads: {asked:?}") };
    for (checkpoint, documents) in [(first, document), (second, page)] {
        assert_eq!(checkpoint.collection, "_cqrs_checkpoints", "the checkpoint is read first");
        assert_eq!(documents.collection, "orders_v1");
        assert!(documents.after.is_some(), "after what the checkpoint's member has seen: {documents:?}");
        assert_eq!([&*checkpoint.mode, &*documents.mode], ["secondaryPreferred"; 2]);
    }
}

/// A projection folds on the newest state, so it asks the primary whatever the queries do.
#[tokio::test]
async fn projections_fold_on_the_primary() {
    let scratch = Scratch::new();
    let (proxy, store, orders) = filled(&scratch).await;
    let before = proxy.seen().len();
    assert_eq!(store.load(&orders.id, &["a".to_owned()]).await.unwrap().len(), 1);
    let seen = proxy.seen();
    let finds: Vec<_> = seen[before..].iter().filter(|message| message.contains_key("find")).collect();
    assert_eq!(finds.len(), 1, "{finds:?}");
    for message in finds {
        // Where there is one member only, the driver asks for whoever it is, and names no secondary.
        let mode = message.get_document("$readPreference").ok().and_then(|asked| asked.get_str("mode").ok());
        assert!(!mode.is_some_and(|mode| mode.starts_with("secondary")), "{message}");
    }
}
