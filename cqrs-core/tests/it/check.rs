//! The freshness check beside a database's own query language.

use std::{future::IntoFuture, sync::atomic::Ordering::SeqCst, time::Duration};

use cqrs_core::{
    envelope::{Position, Token},
    query::QueryError,
    store::{Commit, ProjectionId, ViewStore},
};

use crate::{
    domain::*,
    queries::{Scene, is_waiting},
};

#[tokio::test(start_paused = true)]
async fn a_check_waits_until_the_projection_is_fresh_enough_and_reads_no_document() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let mut in_app = scene.app.fresh::<Balance>().at_least(&token).into_future();
    let mut alone = scene.readers.fresh::<Balance>().at_least(&token).into_future();
    let mut latest = scene.app.fresh_of(&ProjectionId::of::<Balance>()).latest().into_future();
    assert!(is_waiting(&mut in_app).await && is_waiting(&mut alone).await && is_waiting(&mut latest).await);
    scene.views.open();
    for provenance in [in_app.await.unwrap(), alone.await.unwrap(), latest.await.unwrap()] {
        assert_eq!(
            (provenance.applied, provenance.token, provenance.stale),
            (token.position(), token, false)
        );
    }
    let faults = &scene.views.faults;
    assert_eq!((faults.gets.load(SeqCst), faults.finds.load(SeqCst)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_not_met_in_time_is_an_error_or_says_that_it_is_stale() {
    let scene = Scene::opened().await;
    scene.views.shut();
    let token = scene.deposit(5).await;
    let check = || scene.app.fresh::<Balance>().at_least(&token).within(Duration::from_millis(20));
    let QueryError::NotYetConsistent { projection, applied, head, .. } = check().await.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(projection, ProjectionId::of::<Balance>());
    assert_eq!((applied.get(), head.get()), (1, 2));
    let stale = check().or_stale().await.unwrap();
    assert_eq!((stale.stale, stale.applied.get(), stale.lag.events), (true, 1, 1));
    // As it comes: nothing was asked for.
    assert!(!scene.app.fresh::<Balance>().await.unwrap().stale);
}

#[tokio::test(start_paused = true)]
async fn a_check_of_what_is_not_registered_says_so() {
    let scene = Scene::opened().await;
    let other = ProjectionId { version: 99, ..ProjectionId::of::<Balance>() };
    for refused in [scene.app.fresh_of(&other).await, scene.app.fresh::<Portfolio>().await] {
        assert!(matches!(refused, Err(QueryError::Unregistered { .. })), "{refused:?}");
    }
    // A program with the read store alone can't know: to it, that version has not begun, and an older one answers.
    assert!(!scene.readers.fresh_of(&other).await.unwrap().stale);
    assert!(scene.readers.fresh_of(&ProjectionId::new("nothing", 1)).await.unwrap().stale);
}

#[tokio::test(start_paused = true)]
async fn a_query_that_may_be_stale_is_answered_also_where_the_log_is_put_back_while_it_waits() {
    let scene = Scene::opened().await;
    let id = ProjectionId::of::<Balance>();
    let checkpoint = scene.views.checkpoint(&id).await.unwrap().unwrap();
    scene.app.shutdown().await;
    let later = Token::new(checkpoint.log, Position::new(9));
    let check = || scene.readers.fresh::<Balance>().at_least(&later).within(Duration::from_mins(1));
    let (mut stale, mut strict) = (check().or_stale().into_future(), check().into_future());
    assert!(is_waiting(&mut stale).await && is_waiting(&mut strict).await);
    let mut diverged = Commit::of(checkpoint.position, checkpoint);
    diverged.checkpoint.diverged = true;
    scene.views.inner.commit(&id, diverged).await.unwrap();
    assert!(stale.await.unwrap().stale);
    assert!(matches!(strict.await, Err(QueryError::Diverged { .. })));
}
