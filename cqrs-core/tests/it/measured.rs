//! The metrics: that the documentation lists them all, and that each is really measured.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use cqrs_core::{
    app::{App, RetryPolicy},
    envelope::{CommandId, Position, Token},
    metrics::{ALL, Kind, Metric},
    query::Views,
    store::ProjectionId,
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, caught_up, eventually},
};

const PAGE: &str = include_str!("../../../docs/metrics.md");

#[test]
fn the_documentation_lists_each_metric_and_no_other() {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `cqrs_")).collect();
    let expected: Vec<String> = ALL
        .iter()
        .map(|Metric { name, kind, unit, labels, meaning, .. }| {
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {kind} | {unit} | {} | {meaning} |", labels.join(", "))
        })
        .collect();
    assert_eq!(rows, expected, "copy this into docs/metrics.md:\n{}\n", expected.join("\n"));
}

/// What was described and measured; it has no clock and keeps no values but the last.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, Series>>>);

#[derive(Clone, Debug, PartialEq)]
struct Series {
    kind: Kind,
    value: f64,
}

struct Handle(Seen, String, Kind);

impl Handle {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut seen = self.0.0.lock().unwrap();
        let series = seen.entry(self.1.clone()).or_insert(Series { kind: self.2, value: 0.0 });
        assert_eq!(series.kind, self.2, "{}", self.1);
        series.value = change(series.value);
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.change(|before| before + value as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|_| value as f64);
    }
}

impl GaugeFn for Handle {
    fn increment(&self, value: f64) {
        self.change(|before| before + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|before| before - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        assert!(value.is_finite() && value >= 0.0, "{}: {value}", self.1);
        self.change(|before| before + 1.0);
    }
}

impl Seen {
    fn handle(&self, key: &Key, kind: Kind) -> Arc<Handle> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Handle(self.clone(), format!("{}{{{}}}", key.name(), labels.join(",")), kind))
    }

    fn values(&self) -> BTreeMap<String, Series> {
        self.0.lock().unwrap().clone()
    }

    /// As a text, `0` where it was never measured.
    fn value(&self, series: &str) -> String {
        self.values().get(series).map_or(0.0, |series| series.value).to_string()
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key, Kind::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key, Kind::Gauge))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key, Kind::Histogram))
    }
}

fn open(id: &str) -> Open {
    Open { account: account(id), owner: owner("ada") }
}

/// Those of the queue of a write store are seen in the tests of the stores that have one.
#[tokio::test]
async fn each_metric_is_measured_with_its_labels() {
    let seen = Seen::default();
    // Of one thread: all that is asked for here runs on it.
    let _guard = ::metrics::set_default_local_recorder(&seen);
    let (log, views) = (FaultyLog::new(), FaultyViews::new());
    let app = App::builder(log.clone())
        .projection::<Prompt>(views.clone())
        .projection::<Balance>(views.clone())
        .retry(RetryPolicy::default().attempts(2))
        .build()
        .await
        .unwrap();

    let id = CommandId::generate();
    for _ in 0..2 {
        app.execute(open("a")).id(id).await.unwrap();
    }
    app.execute(open("a")).await.unwrap_err();
    log.faults.always_conflict.store(true, SeqCst);
    app.execute(open("b")).await.unwrap_err();
    log.faults.always_conflict.store(false, SeqCst);
    log.faults.away.store(true, SeqCst);
    app.execute(open("c")).await.unwrap_err();
    log.faults.away.store(false, SeqCst);
    let opened = |outcome| {
        seen.value(&format!("cqrs_command_seconds{{category=account,command=open,outcome={outcome}}}"))
    };
    for outcome in ["executed", "repeated", "rejected", "conflict", "failed"] {
        assert_eq!(opened(outcome), "1", "{outcome}: {:#?}", seen.values());
    }
    assert_eq!(seen.value("cqrs_append_events_total{category=account}"), "1");

    append(&log, &account_stream("a"), &[("unknown", "{}")]).await;
    caught_up::<Balance>(&log, &views).await;
    rebuild(&app, &seen).await;
    views.faults.away.store(true, SeqCst);
    append(&log, &account_stream("d"), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    let breaches = "cqrs_projection_lag_breaches_total{projection=prompt,version=1,observer=owner}";
    eventually("the owner is late", async || seen.value(breaches) == "1").await;
    views.faults.away.store(false, SeqCst);
    caught_up::<Prompt>(&log, &views).await;

    let readers = Views::new(views.clone());
    let monitor = readers.lag_monitor().projection::<Prompt>().start();
    eventually("a reader sees it too", async || {
        seen.value("cqrs_projection_max_lag_seconds{projection=prompt,version=1,observer=reader}") == "0.04"
    })
    .await;
    monitor.stop().await;
    app.shutdown().await;
    let token = Token::new(app.log_id(), app.event_store().head().await.unwrap());
    readers.fresh::<Prompt>().at_least(&token).await.unwrap();
    readers.fresh::<Prompt>().latest().within(Duration::ZERO).await.unwrap_err();
    views.faults.away.store(true, SeqCst);
    readers.fresh::<Prompt>().latest().await.unwrap_err();

    check(&seen.values());
}

/// What a build beside the one that answers has measured, while it goes on and after it.
async fn rebuild(app: &App, seen: &Seen) {
    let value = |name: &str| seen.value(&format!("cqrs_rebuild_{name}{{projection=balance,version=1}}"));
    let was_measured = || seen.values().keys().any(|series| series.starts_with("cqrs_rebuild"));
    assert!(!was_measured(), "{:#?}", seen.values());
    let operator = app.operator::<Balance>("ada").unwrap();
    operator.rebuild(&ProjectionId::of::<Balance>(), Position::ZERO).await.unwrap();
    eventually("the build has caught up", async || value("applied_events") == "2").await;
    eventually("it answers", async || {
        app.projections().iter().all(|projection| projection.rebuild.is_none())
    })
    .await;
    let left = ["left_events", "rate_events_per_second", "remaining_seconds"].map(value);
    assert_eq!(left, ["0", "0", "0"]);
}

fn check(measured: &BTreeMap<String, Series>) {
    let outcomes: BTreeSet<&str> = measured
        .keys()
        .filter_map(|series| series.strip_suffix('}')?.split_once("outcome=").map(|(_, outcome)| outcome))
        .collect();
    assert_eq!(
        outcomes.into_iter().collect::<Vec<_>>(),
        ["appended", "conflict", "executed", "failed", "fresh", "late", "rejected", "repeated"]
    );
    for metric in ALL.iter().filter(|metric| !metric.labels.contains(&"store")) {
        let of_metric = |series: &&String| series.split('{').next() == Some(metric.name);
        let names: Vec<_> = measured.keys().filter(of_metric).collect();
        assert!(!names.is_empty(), "{} was never measured: {measured:#?}", metric.name);
        for name in names {
            let labels = name.split_once('{').unwrap().1.trim_end_matches('}');
            let labels: Vec<_> = labels.split(',').map(|label| label.split('=').next().unwrap()).collect();
            assert_eq!(labels, metric.labels, "{name}");
            assert_eq!(measured[name].kind, metric.kind, "{name}");
        }
    }
    for series in measured.keys() {
        assert!(
            ALL.iter().any(|metric| series.split('{').next() == Some(metric.name)),
            "{series} is unknown"
        );
    }
}
