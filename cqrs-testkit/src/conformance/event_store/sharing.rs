use std::{sync::Arc, time::Duration};

use cqrs_core::{
    envelope::{CommandId, Position},
    store::{AppendOutcome, EventStore},
};
use tokio::sync::watch;
use uuid::Uuid;

use super::sample::{
    append, at, by_command, conflict, event, head, ids, more, must_append, positions, read_all, read_stream,
    repeated, stream,
};
use crate::conformance::Stores;

async fn told_of(patience: Duration, news: &mut watch::Receiver<Position>, position: Position) {
    let told = tokio::time::timeout(patience, news.wait_for(|head| *head >= position)).await;
    let told = told.unwrap_or_else(|_| panic!("within {patience:?} nobody told of position {position}"));
    told.expect("an open store goes on telling");
}

/// Whoever watches is told the new head after each append; one that begins to watch later knows it from the start
/// or is told.
pub async fn a_watcher_is_woken_by_an_append(stores: &Stores<dyn EventStore>) {
    let patience = stores.patience;
    let store = stores.open().await;
    let a = stream("a");
    let mut news = store.watch();
    for _ in 0..5 {
        let watching = tokio::spawn({
            let mut news = news.clone();
            let next = Position::new(head(&*store).await).plus(1);
            async move { told_of(patience, &mut news, next).await }
        });
        tokio::task::yield_now().await;
        let position = must_append(&*store, more(&a, 2)).await.position;
        told_of(patience, &mut news, position).await;
        watching.await.expect("a waiting watcher is woken");
        told_of(patience, &mut store.watch(), position).await;
    }
    assert_eq!(news.borrow().get(), 10, "a head that is none");
}

/// An append through one handle wakes those that watch another one on the same data.
pub async fn a_watcher_is_woken_by_another_handle(stores: &Stores<dyn EventStore>) {
    let patience = stores.patience;
    let (writer, reader) = (stores.open().await, stores.open().await);
    let mut news = reader.watch();
    for _ in 0..5 {
        let position = must_append(&*writer, more(&stream("a"), 1)).await.position;
        told_of(patience, &mut news, position).await;
        assert!(head(&*reader).await >= position.get());
    }
}

/// Two handles that are open on the same data see one log: the same events, conditions and commands.
pub async fn handles_on_the_same_data_are_one_log(stores: &Stores<dyn EventStore>) {
    let handles = [stores.open().await, stores.open().await];
    let a = stream("a");
    assert_eq!(handles[0].log_id(), handles[1].log_id());
    for version in 0..6 {
        let (writer, other) = (&handles[version % 2], &handles[(version + 1) % 2]);
        let id = CommandId::generate();
        let fitting = by_command(append([at(&a, version as u64)], [event(&a)]), id, &a);
        must_append(&**writer, fitting.clone()).await;
        assert_eq!(read_stream(&**other, &a).await.len(), version + 1, "the other handle does not see it");
        let outcome = other.append(append([at(&a, version as u64)], [event(&a)])).await;
        assert_eq!(conflict(outcome, &a), (version as u64, version as u64 + 1));
        assert_eq!(repeated(other.append(fitting).await).version.get(), version as u64 + 1);
    }
    let racing: Vec<_> = (0..20)
        .map(|nth| {
            let (store, append) = (Arc::clone(&handles[nth % 2]), append([at(&a, 6)], [event(&a)]));
            tokio::spawn(async move { store.append(append).await })
        })
        .collect();
    let mut winners = 0;
    for task in racing {
        match task.await.expect("the append does not panic") {
            Ok(AppendOutcome::Appended(_)) => winners += 1,
            lost => assert_eq!(conflict(lost, &a), (6, 7)),
        }
    }
    assert_eq!(winners, 1, "so many won of those that raced through two handles");
    let logs = [read_all(&*handles[0]).await, read_all(&*handles[1]).await];
    assert_eq!(positions(&logs[0]), (1..=7).collect::<Vec<_>>());
    assert_eq!(logs[0], logs[1]);
}

/// The id of a log is the same for each handle, and after reopening.
pub async fn a_log_keeps_its_identity(stores: &Stores<dyn EventStore>) {
    let store = stores.open().await;
    let id = store.log_id();
    must_append(&*store, more(&stream("a"), 1)).await;
    assert_eq!(store.log_id(), id);
    assert_eq!(stores.open().await.log_id(), id, "of a second handle");
    drop(store);
    assert_eq!(stores.open().await.log_id(), id, "after reopening");
}

/// Another log has another id.
pub async fn each_log_has_an_identity_of_its_own(stores: &Stores<dyn EventStore>) {
    let ids = [stores.open().await.log_id(), stores.elsewhere().open().await.log_id()];
    assert_ne!(ids[0], ids[1], "two logs have one id");
    assert!(ids.iter().all(|id| id.as_uuid() != Uuid::nil()), "a log has no id");
}

/// Acknowledged events are there after reopening, as they were, and the log goes on behind them.
pub async fn what_was_appended_survives_reopening(stores: &Stores<dyn EventStore>) {
    let (a, b) = (stream("a"), stream("b"));
    let mut known = Vec::new();
    for round in 0..4_u64 {
        let store = stores.open().await;
        assert_eq!(read_all(&*store).await, known, "after reopening the log is another");
        assert_eq!(head(&*store).await, 2 * round);
        let latest = known.last().map(|event: &cqrs_core::envelope::RecordedEvent| event.metadata.time);
        let answer = must_append(&*store, append([at(&a, round)], [event(&a), event(&b)])).await;
        assert!(latest.is_none_or(|latest| answer.time >= latest), "time went back by reopening");
        known = read_all(&*store).await;
        assert_eq!(positions(&known), (1..=2 * round + 2).collect::<Vec<_>>());
        assert_eq!(ids(&read_stream(&*store, &b).await).len() as u64, round + 1);
    }
}

/// A command is known after reopening, with its answer and events.
pub async fn commands_survive_reopening(stores: &Stores<dyn EventStore>) {
    let a = stream("a");
    let store = stores.open().await;
    let mut with_events = by_command(append([at(&a, 0)], [event(&a)]), CommandId::generate(), &a);
    if let Some(record) = &mut with_events.command {
        record.answer = Some("done".to_owned());
    }
    let without_events = by_command(append([], []), CommandId::generate(), &a);
    must_append(&*store, with_events.clone()).await;
    must_append(&*store, without_events.clone()).await;
    let id = with_events.command.as_ref().map(|record| record.id).expect("a command");
    let known = store.command(id).await.expect("a command is looked up");
    drop(store);
    let store = stores.open().await;
    assert_eq!(store.command(id).await.expect("a command is looked up"), known);
    assert_eq!(Some(repeated(store.append(with_events).await)), known);
    assert_eq!(repeated(store.append(without_events).await).version.get(), 1);
    assert_eq!(head(&*store).await, 1);
}
