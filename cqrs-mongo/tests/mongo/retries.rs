//! Dead letters that are tried again, also where a batch was interrupted between them and its checkpoint.

use cqrs_core::{
    envelope::Position,
    store::{Commit, DeadLetter, Sequence, ViewStore},
};
use cqrs_mongo::{
    MongoViewStore, Transactions,
    mongodb::bson::{Document, doc},
};
use cqrs_testkit::tokio;

use crate::{
    proxy::{Fate, Proxy, is},
    replay::interrupted,
    sample::{batch, letter, put, soon, spec},
    scratch::{Scratch, server},
};

/// A batch that tries what is parked again: the first event of a sequence goes well, and the next one fails.
fn retry() -> Commit {
    let mut commit = batch(5, 5, vec![put("a", 2, &[])]);
    commit.resolved = vec![(Sequence::Document("a".to_owned()), Position::new(2))];
    commit.parked = vec![DeadLetter { attempts: 2, ..letter(3, "a") }];
    commit
}

async fn state(store: &MongoViewStore) -> (Vec<DeadLetter>, u64) {
    let id = spec("orders", &[]).id;
    let letters = store.dead_letters(&id, None, Position::ZERO, 100).await.unwrap();
    (letters, store.checkpoint(&id).await.unwrap().unwrap().parked)
}

#[tokio::test]
async fn what_an_interrupted_retry_has_resolved_and_replaced_counts_until_one_is_written() {
    let orders = spec("orders", &[]);
    let parked = [letter(2, "a"), letter(2, "b"), letter(3, "a"), letter(5, "a")];
    let after = [letter(2, "b"), DeadLetter { attempts: 2, ..letter(3, "a") }, letter(5, "a")];
    for first in [Transactions::Never, Transactions::Always] {
        for next in [Transactions::Never, Transactions::Always] {
            let scratch = Scratch::new();
            let store = scratch.store(MongoViewStore::options().transactions(first)).await;
            store.prepare(&orders).await.unwrap();
            let parking = Commit { parked: parked.to_vec(), ..batch(0, 5, Vec::new()) };
            store.commit(&orders.id, parking).await.unwrap();
            for _ in 0..2 {
                interrupted(&scratch, retry()).await;
                assert_eq!(state(&store).await, (parked.to_vec(), 3), "{first:?}, {next:?}");
            }
            let store = scratch.store(MongoViewStore::options().transactions(next)).await;
            // A retry in the same place changes nothing more, whichever way it is written.
            for _ in 0..3 {
                store.commit(&orders.id, retry()).await.unwrap();
                assert_eq!(state(&store).await, (after.to_vec(), 3), "{first:?}, {next:?}");
            }
            let mut last = batch(5, 6, Vec::new());
            last.resolved = after.iter().map(|letter| (letter.sequence.clone(), letter.position)).collect();
            store.commit(&orders.id, last).await.unwrap();
            assert_eq!(state(&store).await, (vec![], 0), "{first:?}, {next:?}");
            assert_eq!(store.parked_sequences(&orders.id).await.unwrap(), []);
        }
    }
}

/// Neither moves the projection on, so only the letters tell that the other one was there.
#[tokio::test]
async fn of_two_retries_at_one_position_the_later_one_sees_the_other() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let orders = spec("orders", &[]);
        let store = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        store.prepare(&orders).await.unwrap();
        let parked = vec![letter(2, "a"), letter(3, "a"), letter(4, "b"), letter(5, "b")];
        store.commit(&orders.id, Commit { parked, ..batch(0, 5, Vec::new()) }).await.unwrap();
        let mut proxy = Proxy::before(&server()).await;
        let options = MongoViewStore::options().transactions(transactions);
        let late = options.connect(&proxy.url(&scratch.name)).await.unwrap();
        proxy
            .rule(|message| if is(message, "update", "_cqrs_checkpoints") { Fate::Hold } else { Fate::Pass });
        let id = orders.id.clone();
        let retrying = tokio::spawn(async move { late.commit(&id, retry()).await });
        soon(proxy.holds()).await;
        let mut other = batch(5, 5, Vec::new());
        other.resolved = vec![(Sequence::Document("b".to_owned()), Position::new(4))];
        other.parked = vec![letter(5, "c")];
        store.commit(&orders.id, other).await.unwrap();
        proxy.rule(|_| Fate::Pass);
        soon(retrying).await.unwrap().unwrap();
        let expected = vec![DeadLetter { attempts: 2, ..letter(3, "a") }, letter(5, "b"), letter(5, "c")];
        assert_eq!(state(&store).await, (expected, 2), "{transactions:?}");
    }
}

#[tokio::test]
async fn what_interrupted_batches_have_left_goes_when_another_takes_over() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let orders = spec("orders", &[]);
        let store = scratch.store(MongoViewStore::options().transactions(transactions)).await;
        store.prepare(&orders).await.unwrap();
        let parking = Commit { parked: vec![letter(2, "a"), letter(3, "a")], ..batch(0, 5, Vec::new()) };
        store.commit(&orders.id, parking).await.unwrap();
        interrupted(&scratch, retry()).await;
        let collection = scratch.database().await.collection::<Document>("_cqrs_dead_letters");
        let count = async |filter: Document| collection.count_documents(filter).await.unwrap();
        assert_eq!(count(doc! {}).await, 3, "a letter of the batch that was interrupted is there");
        assert_eq!(count(doc! { "until.0": { "$exists": true } }).await, 2);
        let before = state(&store).await;
        let mut claim = batch(5, 5, Vec::new());
        claim.checkpoint.fence = 1;
        store.commit(&orders.id, claim).await.unwrap();
        assert_eq!(count(doc! {}).await, 2, "{transactions:?}");
        assert_eq!(count(doc! { "until.0": { "$exists": true } }).await, 0, "{transactions:?}");
        assert_eq!(state(&store).await, before);
        let mut again = retry();
        again.checkpoint.fence = 1;
        store.commit(&orders.id, again).await.unwrap();
        assert_eq!(state(&store).await, (vec![DeadLetter { attempts: 2, ..letter(3, "a") }], 1));
    }
}
