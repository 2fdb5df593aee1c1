//! What each process measures, as Prometheus fetches it.

use std::collections::BTreeMap;

use crate::{
    deadline::eventually,
    http::Client,
    orders::{confirm, place},
    place::Place,
    service::Service,
    stores::Stores,
};

const PAGE: &str = include_str!("../../../docs/metrics.md");

on_shared_stores! {
    each_metric_is_described_and_documented,
    each_role_serves_its_own_numbers_and_they_move,
}

/// The numbers of a process.
#[derive(Debug)]
pub(crate) struct Metrics {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Metrics {
    #[track_caller]
    pub(crate) fn of(client: &Client) -> Self {
        let answer = client.get("/metrics").expect(200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = String::from_utf8(answer.body).expect("text");
        let series = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').expect("a series and its value");
                (series.to_owned(), value.parse().expect("a number"))
            })
            .collect();
        Self { text, series }
    }

    /// The value of a series; `None` where it is not there.
    pub(crate) fn get(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }

    /// A count; 0 where it is not there.
    pub(crate) fn count(&self, series: &str) -> u64 {
        let value = self.get(series).unwrap_or_default();
        format!("{value}").parse().expect("a whole number")
    }

    /// The names that are declared, each with its kind.
    fn declared(&self, what: &str) -> BTreeMap<&str, &str> {
        let prefix = format!("# {what} ");
        self.text.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once(' ')).collect()
    }
}

fn each_metric_is_described_and_documented(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    let token = confirm(&client, &order.id);
    client.get(&order.path()).at_least(&token).expect(200);
    let metrics = eventually("the owner of the views measures", || {
        let metrics = Metrics::of(&client);
        metrics.get(&lag("seconds", "order_summary", "owner")).map(|_| metrics)
    });
    let (kinds, meanings) = (metrics.declared("TYPE"), metrics.declared("HELP"));
    assert!(kinds.len() > 8, "{kinds:?}");
    for (name, kind) in kinds {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{name}` | {kind} | ")));
        let row = row.unwrap_or_else(|| panic!("docs/metrics.md has no {kind} `{name}`"));
        let meaning = meanings.get(name).unwrap_or_else(|| panic!("{name} has no description"));
        assert!(row.ends_with(&format!("| {meaning} |")), "{name}: {meaning}");
    }
    for series in metrics.series.keys() {
        for private in [order.id.as_str(), "ada"] {
            assert!(!series.contains(private), "no label names an aggregate: {series}");
        }
    }
}

fn each_role_serves_its_own_numbers_and_they_move(stores: Stores) {
    let files = Place::new(stores);
    let [command, projector, query] = ["command", "projector", "query"].map(|role| files.start(role));
    let [command, projector, query] = [&command, &projector, &query].map(Service::client);
    let store = if matches!(stores, Stores::Sqlite) { "sqlite" } else { "postgresql" };
    for number in 1..=3 {
        let placed = place(&command, "ada");
        query.get(&placed.path()).at_least(&placed.token).expect(200);
        query.get("/customers/ada").at_least(&placed.token).expect(200);

        let metrics = Metrics::of(&command);
        for series in [
            r#"cqrs_command_seconds_count{category="order",command="place_order",outcome="executed"}"#
                .to_owned(),
            r#"cqrs_append_seconds_count{category="order",outcome="appended"}"#.to_owned(),
            r#"cqrs_append_events_total{category="order"}"#.to_owned(),
            format!(r#"cqrs_append_batch_appends_count{{store="{store}"}}"#),
            format!(r#"cqrs_append_batch_seconds_count{{store="{store}"}}"#),
        ] {
            let count = || Some(Metrics::of(&command).count(&series)).filter(|count| *count == number);
            eventually(&series, count);
        }
        let foreign = metrics
            .series
            .keys()
            .find(|series| !series.starts_with("cqrs_command_") && !series.starts_with("cqrs_append_"));
        assert_eq!(foreign, None, "who takes commands measures nothing else");

        for projection in ["order_summary", "customer_summary"] {
            let of = |name: &str| format!(r#"{name}{{projection="{projection}",version="1"}}"#);
            eventually("the projector has counted the event", || {
                let metrics = Metrics::of(&projector);
                let batches = metrics.count(&of("cqrs_projection_batch_seconds_count"));
                (metrics.count(&of("cqrs_projection_events_total")) == number
                    && (1..=number).contains(&batches)
                    && metrics.count(&of("cqrs_projection_batch_events_count")) == batches
                    && metrics.count(&of("cqrs_projection_handler_seconds_count")) >= batches)
                    .then_some(())
            });
            let waited = format!(
                r#"cqrs_query_wait_seconds_count{{projection="{projection}",version="1",outcome="fresh"}}"#
            );
            assert_eq!(Metrics::of(&query).count(&waited), number, "{waited}");
        }
    }
    // Appends of one process may be few: its queue is then never longer than one.
    let queue = format!(r#"cqrs_append_queue_appends{{store="{store}"}}"#);
    if store == "postgresql" {
        assert_eq!(Metrics::of(&command).get(&queue), Some(0.0));
    }
    for projection in ["order_summary", "customer_summary"] {
        for (client, observer) in [(&projector, "owner"), (&query, "reader")] {
            eventually("nothing waits, and the promise is shown", || {
                let metrics = Metrics::of(client);
                let is = |what, value: f64| metrics.get(&lag(what, projection, observer)) == Some(value);
                (is("seconds", 0.0) && is("events", 0.0)).then_some(())
            });
            let metrics = Metrics::of(client);
            assert_eq!(metrics.get(&of("cqrs_projection_max_lag_seconds", projection, observer)), Some(2.0));
            assert_eq!(metrics.get(&of("cqrs_projection_parked_events", projection, observer)), Some(0.0));
        }
    }
}

/// The gauge of a projection's lag.
pub(crate) fn lag(unit: &str, projection: &str, observer: &str) -> String {
    of(&format!("cqrs_projection_lag_{unit}"), projection, observer)
}

/// One of the metrics that name who measures them.
pub(crate) fn of(name: &str, projection: &str, observer: &str) -> String {
    format!(r#"{name}{{projection="{projection}",version="1",observer="{observer}"}}"#)
}
