//! Checkpoints of many partitions are moved together.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cqrs_core::store::{Commit, CommitError, Partition, ProjectionId, ProjectionSpec, ViewStore};
use cqrs_mongo::{MongoViewStore, Transactions};
use cqrs_testkit::tokio;

use crate::{
    fencing::{fenced, through},
    proxy::{Fate, Proxy, is},
    sample::{batch, soon, spec},
    scratch::{Scratch, server},
};

const OF: u16 = 8;
const CHECKPOINTS: &str = "_cqrs_checkpoints";

/// All partitions of a build, each at position 5, under the fencing number 1.
async fn begun(store: &MongoViewStore) -> Vec<ProjectionId> {
    let whole = spec("orders", &[]);
    let mut ids = Vec::new();
    for partition in Partition::all(OF) {
        let spec = ProjectionSpec { id: whole.id.partition(partition), ..whole.clone() };
        store.prepare(&spec).await.unwrap();
        store.commit(&spec.id, fenced(1, batch(0, 5, Vec::new()))).await.unwrap();
        ids.push(spec.id);
    }
    ids
}

fn to(ids: &[ProjectionId], from: u64, position: u64) -> Vec<(ProjectionId, Commit)> {
    ids.iter().map(|id| (id.clone(), fenced(1, batch(from, position, Vec::new())))).collect()
}

async fn positions(store: &MongoViewStore, ids: &[ProjectionId]) -> Vec<u64> {
    let mut positions = Vec::new();
    for id in ids {
        positions.push(store.checkpoint(id).await.unwrap().unwrap().position.get());
    }
    positions
}

#[tokio::test]
async fn it_takes_one_look_and_one_command() {
    for transactions in [Transactions::Never, Transactions::Always] {
        let scratch = Scratch::new();
        let store = scratch.store(MongoViewStore::options()).await;
        let ids = begun(&store).await;
        let proxy = Proxy::before(&server()).await;
        let moving = through(&proxy, &scratch, transactions).await;
        let before = proxy.seen().len();
        for answer in moving.commit_all(to(&ids, 5, 9)).await {
            answer.unwrap();
        }
        let commands: Vec<String> = proxy.seen()[before..]
            .iter()
            .filter(|command| command.values().any(|value| value.as_str() == Some(CHECKPOINTS)))
            .filter_map(|command| command.keys().next().cloned())
            .collect();
        assert_eq!(commands, ["find", "update"], "{transactions:?}");
        assert_eq!(positions(&store, &ids).await, [9; OF as usize]);
    }
}

#[tokio::test]
async fn what_becomes_of_a_command_that_is_cut_off_is_found_out() {
    let scratch = Scratch::new();
    let store = scratch.store(MongoViewStore::options()).await;
    let ids = begun(&store).await;
    let proxy = Proxy::before(&server()).await;
    let moving = through(&proxy, &scratch, Transactions::Never).await;
    let cut = AtomicUsize::new(0);
    proxy.rule(move |message| {
        let is_first = is(message, "update", CHECKPOINTS) && cut.fetch_add(1, SeqCst) == 0;
        if is_first { Fate::Cut } else { Fate::Pass }
    });
    for answer in moving.commit_all(to(&ids, 5, 9)).await {
        answer.unwrap();
    }
    assert_eq!(positions(&store, &ids).await, [9; OF as usize]);
}

#[tokio::test]
async fn what_others_take_over_or_remove_meanwhile_stays_as_it_is() {
    let scratch = Scratch::new();
    let store = scratch.store(MongoViewStore::options()).await;
    let ids = begun(&store).await;
    let mut proxy = Proxy::before(&server()).await;
    let late = through(&proxy, &scratch, Transactions::Never).await;
    proxy.rule(|message| if is(message, "update", CHECKPOINTS) { Fate::Hold } else { Fate::Pass });
    let moves = to(&ids, 5, 9);
    let moving = tokio::spawn(async move { late.commit_all(moves).await });
    soon(proxy.holds()).await;
    store.commit(&ids[0], fenced(2, batch(5, 5, Vec::new()))).await.unwrap();
    store.commit(&ids[1], fenced(1, batch(5, 6, Vec::new()))).await.unwrap();
    store.remove(&ids[2]).await.unwrap();
    proxy.rule(|_| Fate::Pass);
    let answers = soon(moving).await.unwrap();
    assert!(
        matches!(
            answers.as_slice(),
            [
                Err(CommitError::Fenced { fence: 1, newest: 2, .. }),
                Err(CommitError::Superseded { .. }),
                Err(CommitError::Store(_)),
                Ok(()),
                Ok(()),
                Ok(()),
                Ok(()),
                Ok(()),
            ]
        ),
        "{answers:?}"
    );
    let left: Vec<ProjectionId> = ids.iter().filter(|id| **id != ids[2]).cloned().collect();
    assert_eq!(positions(&store, &left).await, [5, 6, 9, 9, 9, 9, 9]);
}
