use cqrs_core::{
    app::App,
    envelope::{CommandId, TraceContext},
};
use uuid::Uuid;

use crate::{domain::*, faults::FaultyLog, scene::all_events};

fn trace() -> TraceContext {
    TraceContext {
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        tracestate: Some("shop=1".into()),
    }
}

#[tokio::test]
async fn a_command_from_outside_starts_a_correlation_of_its_own() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let receipt = app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let metadata = &all_events(&log).await[0].metadata;
    assert_eq!(metadata.command_id, receipt.command_id);
    assert_eq!(metadata.causation_id, Some(receipt.command_id.as_uuid()));
    assert_eq!(metadata.correlation_id, receipt.command_id.as_uuid());
    assert_eq!(receipt.correlation_id, metadata.correlation_id);
    assert_eq!(metadata.caused_by_event(), None);
}

#[tokio::test]
async fn what_a_command_carries_is_on_each_of_its_events() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    app.execute(Open { account: account("a"), owner: owner("ada") }).await.unwrap();
    let (id, correlation) = (CommandId::generate(), Uuid::from_u128(7));
    let execute = app.execute(Note { account: account("a") }).id(id).actor("ada").tenant("north");
    let execute = execute.trace(trace()).correlation_id(correlation).header("channel", "web");
    assert_eq!(execute.await.unwrap().correlation_id, correlation);
    for event in &all_events(&log).await[1..] {
        let metadata = &event.metadata;
        assert_eq!((metadata.command_id, metadata.correlation_id), (id, correlation));
        assert_eq!(
            (metadata.actor.as_deref(), metadata.tenant.as_deref(), metadata.trace.clone()),
            (Some("ada"), Some("north"), Some(trace()))
        );
        assert_eq!(metadata.headers.get("channel").map(String::as_str), Some("web"));
    }
}

#[tokio::test]
async fn a_command_that_follows_an_event_goes_on_with_its_correlation() {
    let log = FaultyLog::new();
    let app = App::builder(log.clone()).build().await.unwrap();
    let open = app.execute(Open { account: account("a"), owner: owner("ada") });
    let first = open.actor("ada").tenant("north").trace(trace()).header("channel", "web").await.unwrap();
    let cause = all_events(&log).await[0].clone();
    let follows = app.execute(Deposit { account: account("a"), amount: 1 }).caused_by(&cause);
    let second = follows.actor("clerk").await.unwrap();
    assert_eq!(second.correlation_id, first.correlation_id);
    let metadata = all_events(&log).await[1].metadata.clone();
    assert_eq!(metadata.causation_id, Some(second.command_id.as_uuid()));
    assert_eq!(metadata.caused_by_event(), Some(cause.event_id));
    assert_eq!((metadata.actor.as_deref(), metadata.tenant.as_deref()), (Some("clerk"), Some("north")));
    assert_eq!(metadata.trace, Some(trace()));
    assert!(!metadata.headers.contains_key("channel"), "headers are for the command that they came with");

    let third =
        app.execute(Note { account: account("a") }).caused_by(&all_events(&log).await[1]).await.unwrap();
    assert_eq!(third.correlation_id, first.correlation_id);
    let metadata = all_events(&log).await[2].metadata.clone();
    assert_eq!(metadata.caused_by_event(), Some(all_events(&log).await[1].event_id));
}
