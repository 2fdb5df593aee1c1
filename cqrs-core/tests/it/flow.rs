//! Pages of a divided build, one after the other.

use std::{collections::BTreeSet, sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    envelope::Position,
    operations::Operator,
    runtime::ProjectionState,
    store::{EventStore as _, Partition, ProjectionId, Sequence, ViewStore as _},
};

use crate::{
    divided::{Eight, app_with, caught_up, checkpoint, curse, deposit, open, options, shared},
    faults::{FaultyLog, FaultyViews},
    scene::{eventually, health},
};

async fn position(views: &FaultyViews, partition: Partition) -> Position {
    let id = ProjectionId::of::<Eight>().partition(partition);
    views.inner.checkpoint(&id).await.unwrap().unwrap().position
}

fn partition_of(key: &str) -> Partition {
    Partition::of_key(key).among(8)
}

/// All events are of one document, and there are more of them than can be applied for a while.
#[tokio::test(start_paused = true)]
async fn a_partition_without_events_is_told_of_while_the_others_are_far_behind() {
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let options = options().heartbeat(Duration::from_mins(2)).batch(1).backlog_batch(1);
    let app = app_with::<Eight>(&log, &views, options).await;
    shared::<Eight>(&[&app], 8).await;
    open(&log, 0..1).await;
    caught_up::<Eight>(&log, &views).await;
    log.faults.read_millis.store(10, SeqCst);
    log.faults.reads_wait.send_replace(true);
    for _ in 0..200 {
        deposit(&log, "a0", 1).await;
    }
    let head = log.head().await.unwrap();
    log.go_on();
    let busy = partition_of("a0");
    let quiet = Partition::all(8).find(|partition| *partition != busy).unwrap();
    let mut told = BTreeSet::new();
    eventually("all is applied", async || {
        let is_applied = position(&views, busy).await == head;
        if !is_applied {
            told.insert(position(&views, quiet).await);
        }
        is_applied
    })
    .await;
    assert!(told.len() > 10, "it was seen at {told:?} before {head}");
    app.shutdown().await;
}

/// The store refuses a document of the page before, which is on its way while the next one is folded.
#[tokio::test(start_paused = true)]
async fn what_is_parked_with_the_page_before_counts_against_the_bound() {
    let (log, mut views) = (FaultyLog::new(), FaultyViews::new());
    views.inner = views.inner.max_document_bytes(40);
    let options = options().batch(1).backlog_batch(1).max_parked(1);
    let app = app_with::<Eight>(&log, &views, options).await;
    shared::<Eight>(&[&app], 8).await;
    let other = (1..40).find(|nth| partition_of(&format!("a{nth}")) != partition_of("a0")).unwrap();
    open(&log, [0, other]).await;
    caught_up::<Eight>(&log, &views).await;
    log.faults.reads_wait.send_replace(true);
    for _ in 0..2 {
        deposit(&log, "a0", 9_000_000_000_000_000).await;
    }
    curse(&log, &format!("a{other}")).await;
    let head = log.head().await.unwrap();
    log.go_on();
    let mut state = ProjectionState::Starting;
    eventually("it halts, or goes on", async || {
        state = health::<Eight>(&app).await.state;
        matches!(state, ProjectionState::Halted { .. }) || checkpoint::<Eight>(&views).await >= head
    })
    .await;
    let operator = Operator::new(views.inner.clone(), "ada");
    let parked = operator.parked(&ProjectionId::of::<Eight>()).await.unwrap();
    assert_eq!(parked, [Sequence::Document("a0".to_owned())], "{state:?}");
    let halts = matches!(&state, ProjectionState::Halted { reason } if reason.contains("2 sequences"));
    assert!(halts, "{state:?}");
    app.shutdown().await;
}
