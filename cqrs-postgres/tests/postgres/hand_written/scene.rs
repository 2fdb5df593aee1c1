//! Events for the ledger, and what it has to be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Position, StreamId},
    prelude::*,
    store::{Append, AppendOutcome, EventFilter, EventStore, NewEvent, Past, Reason, Sequence, ViewStore},
};
use cqrs_postgres::{SqlProjection, sqlx};

use super::ledger::{Deposited, Ledger};
use crate::server::connect;

/// Recorded without further ado, each event in the stream of this account.
pub(super) async fn append(log: &dyn EventStore, events: &[(&str, &str, String)]) -> Position {
    let event = |(account, name, data): &(&str, &str, String)| NewEvent {
        event_id: EventId::generate(),
        stream: StreamId::new(if ["given", "wrapped"].contains(name) { "gift" } else { "account" }, *account)
            .unwrap(),
        name: (*name).to_owned().into(),
        schema_version: SchemaVersion::FIRST,
        data: Json::from_text(data.clone()).unwrap(),
    };
    let metadata = Metadata::of_command(CommandId::generate(), Timestamp::now()).for_events();
    let events = events.iter().map(event).collect();
    let append = Append { conditions: Vec::new(), past: Past::UNKNOWN, events, metadata, command: None };
    match log.append(append).await.unwrap() {
        AppendOutcome::Appended(appended) => appended.position,
        AppendOutcome::Repeated(_) => unreachable!("it has no command id"),
    }
}

pub(super) fn deposit(account: &str, amount: i64) -> (&str, &'static str, String) {
    (account, "deposited", format!(r#"{{"amount":{amount}}}"#))
}

pub(super) fn curse<'a>(account: &'a str, by: &str) -> (&'a str, &'static str, String) {
    (account, "cursed", format!(r#"{{"by":"{by}"}}"#))
}

/// Looks again and again until it holds. The limit only keeps a broken build from hanging.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(std::time::Instant::now() < limit, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Ledger {
    pub(super) async fn caught_up(&self, log: &dyn EventStore) {
        let head = log.head().await.unwrap();
        let views = self.schema.connect_views().await;
        let mut progress = views.watch(&Self::id());
        let there = progress.wait_for(|at| at.is_some_and(|checkpoint| checkpoint.position >= head));
        tokio::time::timeout(Duration::from_mins(1), there).await.expect("it catches up").unwrap();
    }

    /// Position, sequence, and the reason or `queued`.
    pub(super) async fn letters(&self) -> Vec<(u64, String, String)> {
        let views = self.schema.connect_views().await;
        let letters = views.dead_letters(&Self::id(), None, Position::ZERO, 10_000).await.unwrap();
        letters
            .into_iter()
            .map(|letter| {
                let Sequence::Stream(stream) = letter.sequence else { panic!("a document") };
                let reason = match letter.reason {
                    Reason::Failed(error) => error,
                    Reason::Queued => "queued".to_owned(),
                };
                (letter.position.get(), stream.to_string(), reason)
            })
            .collect()
    }

    pub(super) async fn assert_nothing_is_parked(&self) {
        assert_eq!(self.letters().await, []);
    }

    /// Each amount that is not parked is in both tables, once.
    pub(super) async fn assert_as_the_log(&self, log: &dyn EventStore) {
        self.caught_up(log).await;
        let parked: BTreeSet<u64> = self.letters().await.iter().map(|(position, ..)| *position).collect();
        let (mut entries, mut sums) = (BTreeMap::new(), BTreeMap::new());
        for event in log.read_log(Position::ZERO, &EventFilter::ALL, usize::MAX).await.unwrap().events {
            let is_entry = ["deposited", "given"].contains(&&*event.name);
            if is_entry && !parked.contains(&event.position.get()) {
                let amount = event.data.parse::<Deposited>().unwrap().amount;
                let account = event.stream.to_string();
                entries.insert(event.position.get().cast_signed(), (account.clone(), amount));
                *sums.entry(account).or_insert(0) += amount;
            }
        }
        let db = &mut connect().await;
        let read = "SELECT position, account, amount FROM {schema}.entries";
        let found: BTreeMap<i64, (String, i64)> = sqlx::query_as::<_, (i64, String, i64)>(self.sql(read))
            .fetch_all(&mut *db)
            .await
            .unwrap()
            .into_iter()
            .map(|(position, account, amount)| (position, (account, amount)))
            .collect();
        assert_eq!(found, entries);
        let read = "SELECT account, total FROM {schema}.sums";
        let found = sqlx::query_as::<_, (String, i64)>(self.sql(read)).fetch_all(db).await.unwrap();
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), sums);
    }
}
