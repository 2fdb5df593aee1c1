use std::fmt;

use ::metrics::{Key, Label, Level, Metadata, Unit, with_recorder};

use super::ALL;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It only grows, from the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Many values, each of which counts.
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// One metric of the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name: `cqrs_`, what it is about, the unit, and `_total` where it is a counter.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// The unit, such as `seconds` or `events`.
    pub unit: &'static str,
    /// The labels of each of its time series.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub meaning: &'static str,
}

const METADATA: Metadata<'static> = Metadata::new("cqrs_core", Level::INFO, None);

impl Metric {
    /// The time series with these values of the labels, in their order.
    pub(super) fn series<const N: usize>(&'static self, values: [&str; N]) -> Series {
        debug_assert_eq!(self.labels.len(), N, "{}", self.name);
        let labels: Vec<Label> =
            self.labels.iter().zip(values).map(|(name, value)| Label::new(*name, value.to_owned())).collect();
        Series { metric: self, key: Key::from_parts(self.name, labels) }
    }

    /// The same where the labels are known to the compiler; nothing is allocated.
    pub(super) fn series_of(&'static self, labels: &'static [Label]) -> Series {
        debug_assert!(self.labels.iter().eq(labels.iter().map(Label::key).collect::<Vec<_>>().iter()));
        Series { metric: self, key: Key::from_static_labels(self.name, labels) }
    }

    fn describe(&self) {
        let unit = if self.unit == "seconds" { Unit::Seconds } else { Unit::Count };
        let (name, unit, meaning) = (self.name.into(), Some(unit), self.meaning.into());
        with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, meaning),
            Kind::Gauge => recorder.describe_gauge(name, unit, meaning),
            Kind::Histogram => recorder.describe_histogram(name, unit, meaning),
        });
    }
}

/// Tells the installed recorder the unit and the meaning of each metric; `describe` once, after the recorder is installed.
/// Does nothing where there is none.
pub fn describe() {
    for metric in ALL {
        metric.describe();
    }
}

/// One time series of a metric. The recorder is looked up at each measurement, so it may be installed later.
#[derive(Debug)]
pub(super) struct Series {
    metric: &'static Metric,
    key: Key,
}

impl Series {
    /// Adds to a counter.
    pub(super) fn add(&self, count: u64) {
        debug_assert_eq!(self.metric.kind, Kind::Counter, "{}", self.metric.name);
        with_recorder(|recorder| recorder.register_counter(&self.key, &METADATA).increment(count));
    }

    /// Sets a gauge.
    pub(super) fn set(&self, value: f64) {
        debug_assert_eq!(self.metric.kind, Kind::Gauge, "{}", self.metric.name);
        with_recorder(|recorder| recorder.register_gauge(&self.key, &METADATA).set(value));
    }

    /// Records one value of a histogram.
    pub(super) fn record(&self, value: f64) {
        debug_assert_eq!(self.metric.kind, Kind::Histogram, "{}", self.metric.name);
        with_recorder(|recorder| recorder.register_histogram(&self.key, &METADATA).record(value));
    }
}

/// A count as recorders take it.
#[allow(clippy::cast_precision_loss, reason = "2^53 is beyond whatever is counted here")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

/// The length of a list as recorders take it.
pub(super) fn length(count: usize) -> f64 {
    float(u64::try_from(count).unwrap_or(u64::MAX))
}
