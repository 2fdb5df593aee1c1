use std::sync::Arc;

use clap::Parser as _;
use cqrs_core::{
    envelope::{LogId, Position, Token},
    memory::{MemoryEventStore, MemoryViewStore},
};
use order_service::{Options, Role, Service};
use serde_json::Value;

use crate::client::{Client, on_each_store};

on_each_store! {
    async fn an_order_is_shown_now_and_after_each_change(client) {
        client.place("o1", "ada").await;
        let mut live = client.watch("/orders/o1/live", &[]).await;
        assert_eq!(live.headers["content-type"], "text/event-stream");
        let mut token = None;
        for status in ["placed", "confirmed", "cancelled"] {
            let shown = loop {
                let event = live.event("view").await;
                let id: Token = event.id.parse().expect("a token");
                let shown = event.json();
                assert_eq!(shown["consistency"]["token"], event.id);
                assert_eq!(event.position(), id.position().get());
                assert!(Some(id.position()) > token, "each one is newer");
                assert_eq!(event.retry == "1000", token.is_none(), "{event:?}");
                token = Some(id.position());
                if !shown["view"].is_null() {
                    break shown;
                }
            };
            assert_eq!(shown["view"]["status"], status, "{shown}");
            assert_eq!(shown["view"], client.get("/orders/o1").await.json());
            match status {
                "placed" => drop(client.confirm("o1").await),
                _ => drop(client.cancel("o1").await),
            }
        }
    }

    async fn an_order_that_is_not_there_yet_can_be_waited_for(client) {
        let mut live = client.watch("/orders/o1/live", &[]).await;
        assert_eq!(live.event("view").await.json()["view"], Value::Null);
        client.place("o2", "ada").await;
        client.place("o1", "ada").await;
        assert_eq!(live.event("view").await.json()["view"]["order_id"], "o1");
    }

    async fn a_stream_that_goes_on_after_an_event_shows_nothing_older(client) {
        client.place("o1", "ada").await;
        for round in 0..10 {
            let order = format!("again-{round}");
            let placed = client.place(&order, "ada").await;
            let seen = client.confirm(&order).await.token();
            let path = format!("/orders/{order}/live");
            for headers in [
                vec![("Last-Event-ID", seen.as_str()), ("Consistency-Timeout", "30s")],
                vec![("Last-Event-ID", &seen), ("Consistency-Token", &placed.token()), ("Consistency-Timeout", "30s")],
                vec![("Consistency-Token", &seen), ("Last-Event-ID", &placed.token()), ("Consistency-Timeout", "30s")],
            ] {
                let mut live = client.watch(&path, &headers).await;
                let position: Token = seen.parse().expect("a token");
                let head: u64 = live.headers["consistency-position"].to_str().unwrap().parse().unwrap();
                assert!(head >= position.position().get());
                let first = live.event("view").await;
                assert_eq!(first.json()["view"]["status"], "confirmed", "{first:?}");
                assert!(first.position() >= position.position().get());
            }
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_a_problem_and_no_stream() {
    let client = Client::in_memory().await;
    let token = client.place("o1", "ada").await.token();
    client.get_with("/orders/o1", &[("Consistency-Token", &token)]).await;
    let other = Token::new(LogId::generate(), Position::new(1)).to_string();
    let ask = async |headers: &[(&str, &str)]| client.get_with("/orders/o1/live", headers).await;
    for (headers, status, code) in [
        (&[("Last-Event-ID", "nonsense")][..], 400, "bad_token"),
        (&[("Last-Event-ID", &token), ("Last-Event-ID", &token)], 400, "bad_token"),
        (&[("Consistency-Token", "nonsense")], 400, "bad_token"),
        (&[("Consistency-Timeout", "soon")], 400, "bad_timeout"),
        (&[("Consistency-Token", &token), ("Last-Event-ID", &other)], 400, "contradictory_headers"),
        (&[("Last-Event-ID", &other)], 409, "foreign_token"),
    ] {
        ask(headers).await.problem(status, code);
    }
    client.get("/orders/a%20b/live").await.problem(400, "bad_id");
    let token: Token = token.parse().unwrap();
    let future = Token::new(token.log(), Position::new(1_000_000)).to_string();
    ask(&[("Last-Event-ID", &future), ("Consistency-Timeout", "20ms")])
        .await
        .problem(504, "not_yet_consistent");
    // Of a stale answer the stream begins with what is there.
    let headers = [
        ("Last-Event-ID", future.as_str()),
        ("Consistency-Timeout", "0ms"),
        ("Consistency-Fallback", "stale"),
    ];
    let mut live = client.watch("/orders/o1/live", &headers).await;
    assert_eq!(live.headers["consistency-stale"], "true");
    assert_eq!(live.event("view").await.json()["view"]["status"], "placed");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_says_that_it_is_there() {
    let client = Client::in_memory().await;
    let mut live = client.watch("/orders/o1/live", &[]).await;
    live.event("view").await;
    for _ in 0..3 {
        let comment = live.next().await.expect("it goes on");
        assert!(comment.is_comment(), "{comment:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_the_newest_state_alone() {
    let client = Client::in_memory().await;
    let placed = client.place("o1", "ada").await;
    let mut live = client.watch("/orders/o1/live", &[("Consistency-Token", &placed.token())]).await;
    assert_eq!(live.event("view").await.json()["view"]["status"], "placed");
    for reply in [client.confirm("o1").await, client.cancel("o1").await] {
        client.get_after("/orders/o1", &reply).await;
        // The clock only moves when nothing is left to do: whoever tells of the change has done it.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    }
    assert_eq!(live.event("view").await.json()["view"]["status"], "cancelled");
    let next = live.next().await.expect("it goes on");
    assert!(next.is_comment(), "{next:?}");
}

#[tokio::test]
async fn a_stop_ends_the_streams_and_begins_no_more() {
    let client = Client::in_memory().await;
    let mut live = client.watch("/orders/o1/live", &[]).await;
    live.event("view").await;
    let ending = tokio::spawn(async move { while live.next().await.is_some() {} });
    client.service.end_live_views();
    tokio::time::timeout(std::time::Duration::from_mins(1), ending).await.expect("it ends").unwrap();
    let refused = client.get("/orders/o1/live").await;
    refused.problem(503, "stopping");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn there_are_only_so_many_streams() {
    let arguments = ["order-service", "--write", "memory:", "--read", "memory:", "--live-streams", "2"];
    let service = Service::open(&Options::parse_from(arguments)).await.unwrap();
    let client = Client::of(service);
    let mut live =
        vec![client.watch("/orders/o1/live", &[]).await, client.watch("/orders/o1/live", &[]).await];
    let refused = client.get("/orders/o1/live").await;
    assert!(refused.detail(503, "too_many_streams").contains('2'));
    assert_eq!(refused.header("retry-after"), "1");
    live.pop();
    live.push(client.watch("/orders/o1/live", &[]).await);
    for one in &mut live {
        one.event("view").await;
    }
}

#[tokio::test]
async fn a_process_with_the_read_store_alone_shows_what_another_one_does() {
    let (events, views) = (Arc::new(MemoryEventStore::new()), Arc::new(MemoryViewStore::new()));
    let command = Client::start(Role::Command, Some(events.clone()), None).await;
    let projector = Client::start(Role::Projector, Some(events), Some(views.clone())).await;
    let query = Client::start(Role::Query, None, Some(views)).await;
    for client in [&command, &projector] {
        client.get("/orders/o1/live").await.problem(404, "not_in_this_role");
    }
    let mut live = query.watch("/orders/o1/live", &[]).await;
    assert_eq!(live.event("view").await.json()["view"], Value::Null);
    command.place("o1", "ada").await;
    assert_eq!(live.event("view").await.json()["view"]["status"], "placed");
    command.confirm("o1").await;
    assert_eq!(live.event("view").await.json()["view"]["status"], "confirmed");
}
