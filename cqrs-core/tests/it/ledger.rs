//! A projection that writes by itself, and what it has to be.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use cqrs_core::{
    app::App,
    domain::{FeedSpec, Subscribe, Subscription},
    envelope::{Delivered, Position, RecordedEvent, StreamId},
    runtime::{ProjectionHealth, RuntimeOptions},
    store::{
        BatchError, BatchProjection, BoxFuture, Commit, CommitError, Error, EventStore, ProjectionId,
        ProjectionSpec, Reason, Sequence, ViewStore,
    },
};

use crate::{
    domain::*,
    faults::{Dice, FaultyLog, FaultyViews, away},
    scene::{account_stream, all_events, append},
};

/// What the ledger is given: all that happens to accounts, and what is counted.
#[derive(Debug)]
pub enum Entry {
    Account(AccountEvent),
    Counted(Counted),
}

impl Subscribe for Entry {
    fn to(subscription: &mut Subscription<Self>) {
        subscription.set(Self::Account);
        subscription.one(Self::Counted);
    }
}

/// A table of sums, in which each account has a line, and what makes it fail.
#[derive(Clone, Debug)]
pub struct Ledger(pub Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    entries: Subscription<Entry>,
    pub views: FaultyViews,
    /// Held from taking the checkpoint to the end, as a transaction holds a row.
    sums: tokio::sync::Mutex<BTreeMap<String, Vec<i64>>>,
    /// The positions of each batch that its code was given.
    pub batches: Mutex<Vec<Vec<u64>>>,
    /// Its code does not cope with two events of one stream in a batch.
    pub dislikes_pairs: Mutex<bool>,
    pub chaos: Mutex<Option<Dice>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the ledger has no line for {0}")]
struct Refused(String);

impl Ledger {
    pub fn new() -> Self {
        Self::over(FaultyViews::new())
    }

    pub fn over(views: FaultyViews) -> Self {
        Self(Arc::new(Inner {
            entries: Subscription::of(),
            views,
            sums: tokio::sync::Mutex::default(),
            batches: Mutex::default(),
            dislikes_pairs: Mutex::default(),
            chaos: Mutex::default(),
        }))
    }

    pub fn id() -> ProjectionId {
        ProjectionId::new("ledger", 1)
    }

    pub async fn app(&self, log: &FaultyLog, batch: usize) -> App {
        App::builder(log.clone())
            .batch_projection(self.clone())
            .runtime(RuntimeOptions::default().batch(batch))
            .build()
            .await
            .unwrap()
    }

    pub async fn caught_up(&self, log: &FaultyLog) {
        let head = log.head().await.unwrap();
        let mut progress = self.0.views.watch(&Self::id());
        let there = progress.wait_for(|at| at.is_some_and(|checkpoint| checkpoint.position >= head));
        tokio::time::timeout(Duration::from_mins(10), there).await.expect("it catches up").unwrap();
    }

    fn roll(&self, sides: u64) -> Option<u64> {
        self.0.chaos.lock().unwrap().as_mut().map(|dice| dice.roll(sides))
    }

    /// The application's code.
    fn enter(
        &self,
        sums: &mut BTreeMap<String, Vec<i64>>,
        events: &[Delivered<Entry>],
    ) -> Result<(), Refused> {
        self.0.batches.lock().unwrap().push(events.iter().map(|event| event.position.get()).collect());
        let mut streams = HashSet::new();
        for Delivered { stream, event, version, metadata, .. } in events {
            if *self.0.dislikes_pairs.lock().unwrap() && !streams.insert(stream) {
                return Err(Refused(format!("a pair of {stream}")));
            }
            assert!(version.get() > 0 && metadata.time > jiff::Timestamp::UNIX_EPOCH);
            let sum = enter(sums.entry(stream.to_string()).or_default(), event)?;
            sums.insert(stream.to_string(), sum);
        }
        Ok(())
    }

    pub async fn sums(&self) -> BTreeMap<String, Vec<i64>> {
        self.0.sums.lock().await.clone()
    }

    pub async fn letters(&self) -> Vec<(u64, StreamId, String)> {
        let letters = self.0.views.dead_letters(&Self::id(), None, Position::ZERO, 10_000).await.unwrap();
        letters
            .into_iter()
            .map(|letter| {
                let Sequence::Stream(stream) = letter.sequence else { panic!("a document") };
                let reason = match letter.reason {
                    Reason::Failed(error) => error,
                    Reason::Queued => "queued".to_owned(),
                };
                (letter.position.get(), stream, reason)
            })
            .collect()
    }

    pub async fn health(&self, app: &App) -> ProjectionHealth {
        app.health().await.projections.into_iter().find(|health| health.projection == Self::id()).unwrap()
    }
}

/// One event after the other: their order shows.
fn enter(line: &[i64], entry: &Entry) -> Result<Vec<i64>, Refused> {
    let mut line = line.to_vec();
    match entry {
        Entry::Account(AccountEvent::Deposited(Deposited { amount })) => line.push(*amount),
        Entry::Account(AccountEvent::Cursed(_)) => return Err(Refused("a curse".to_owned())),
        Entry::Account(AccountEvent::Labelled(label)) => assert!(label.label != "panic", "labelled"),
        Entry::Account(_) => {}
        Entry::Counted(Counted {}) => line.push(1),
    }
    Ok(line)
}

impl BatchProjection for Ledger {
    fn id(&self) -> ProjectionId {
        Self::id()
    }

    fn max_lag(&self) -> Option<Duration> {
        Some(Duration::from_secs(2))
    }

    fn feeds(&self) -> Vec<FeedSpec> {
        self.0.entries.feeds()
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        Arc::new(self.0.views.clone())
    }

    fn prepare(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let spec = ProjectionSpec { id: Self::id(), indexes: Vec::new(), fingerprint: 0 };
            self.0.views.prepare(&spec).await
        })
    }

    fn apply<'a>(
        &'a self,
        events: &'a [RecordedEvent],
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), BatchError>> {
        Box::pin(async move {
            let delivered = self.0.entries.read(events)?;
            let mut sums = self.0.sums.lock().await;
            let checkpoint = self.0.views.inner.checkpoint(&Self::id()).await?;
            let actual = checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position);
            if actual != commit.expected {
                let (projection, expected) = (Self::id(), commit.expected);
                return Err(CommitError::Superseded { projection, expected, actual }.into());
            }
            let fate = self.roll(4);
            if fate == Some(0) {
                return Err(away("takes the checkpoint").into());
            }
            tokio::task::yield_now().await;
            let mut written = sums.clone();
            self.enter(&mut written, &delivered)
                .map_err(|refused| BatchError::Refused { at: None, source: refused.into() })?;
            self.0.views.commit(&Self::id(), commit).await?;
            *sums = written;
            if fate == Some(1) { Err(away("answers").into()) } else { Ok(()) }
        })
    }
}

/// What the ledger has to be, and what is parked: one event after the other.
async fn model(log: &FaultyLog) -> (BTreeMap<String, Vec<i64>>, Vec<u64>) {
    let entries = Subscription::<Entry>::of();
    let (mut sums, mut parked, mut letters) = (BTreeMap::new(), HashSet::new(), Vec::new());
    for event in all_events(log).await {
        let line: &[i64] = sums.get(&event.stream.to_string()).map_or(&[], Vec::as_slice);
        let panics = event.name == "labelled" && event.data.as_str().contains("panic");
        let read = entries.read(std::slice::from_ref(&event));
        let entered = match read {
            Ok(read) if read.is_empty() => continue,
            Ok(read) if !panics && !parked.contains(&event.stream) => enter(line, &read[0].event).ok(),
            _ => None,
        };
        match entered {
            Some(line) => drop(sums.insert(event.stream.to_string(), line)),
            None => {
                parked.insert(event.stream.clone());
                letters.push(event.position.get());
            }
        }
    }
    (sums, letters)
}

pub async fn assert_as_the_model(ledger: &Ledger, log: &FaultyLog) {
    ledger.caught_up(log).await;
    let (mut sums, letters) = model(log).await;
    sums.retain(|_, line| !line.is_empty());
    let mut found = ledger.sums().await;
    found.retain(|_, line| !line.is_empty());
    assert_eq!(found, sums);
    let found: Vec<u64> = ledger.letters().await.iter().map(|(position, ..)| *position).collect();
    assert_eq!(found, letters);
    let checkpoint = ledger.0.views.inner.checkpoint(&Ledger::id()).await.unwrap().unwrap();
    assert_eq!(checkpoint.parked, letters.len() as u64);
}

pub async fn deposit(log: &FaultyLog, id: &str, amount: i64) -> Position {
    append(log, &account_stream(id), &[("deposited", &format!(r#"{{"units":{amount}}}"#))]).await
}

pub async fn curse(log: &FaultyLog, id: &str) -> Position {
    append(log, &account_stream(id), &[("cursed", "{}")]).await
}

/// Mostly deposits, now and then what can't be coped with.
pub async fn something(log: &FaultyLog, dice: &mut Dice) {
    let id = format!("a{}", dice.roll(6));
    match dice.roll(30) {
        0 => curse(log, &id).await,
        1 => append(log, &account_stream(&id), &[("labelled", r#"{"label":"panic"}"#)]).await,
        2 => append(log, &account_stream(&id), &[("deposited", r#"{"what":"?"}"#)]).await,
        3 => append(log, &account_stream(&id), &[("unheard_of", "{}")]).await,
        4 | 5 => {
            let stream = StreamId::new("tally", id).unwrap();
            append(log, &stream, &[("counted", "{}"), ("unheard_of", "{}")]).await
        }
        6 => append(log, &StreamId::new("other", id).unwrap(), &[("counted", "{}")]).await,
        _ => deposit(log, &id, i64::try_from(dice.roll(100)).unwrap()).await,
    };
}
