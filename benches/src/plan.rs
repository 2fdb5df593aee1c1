//! What is measured, and how thoroughly.

use std::time::Duration;

use clap::Parser;

use crate::{places::Place, table::Style};

/// Measures commands/s, loads, catch-up, rebuilds, ten projections, lag and what freshness costs, next to the raw limits,
/// on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Options {
    /// What to measure; all, if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<What>,
    /// Where to measure it; everywhere, if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    place: Vec<Place>,
    /// How many rounds; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement of commands takes, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How many events the backlog has: of the catch-up, of rebuilds, and of ten projections
    #[arg(long, default_value_t = 100_000)]
    backlog: u64,
    /// One short round of all, to see that it works; its figures mean little
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "backlog"])]
    quick: bool,
    /// Tables as Markdown
    #[arg(long)]
    markdown: bool,
    /// What else it does than to measure
    #[arg(long, value_enum, hide = true)]
    pub(crate) role: Option<Role>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// For `cargo xtask bench`: says which servers would be needed
    Needs,
    /// For the benchmark itself: does what its standard input says
    Worker,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// Commands/s at 1, 8, 32 and 128 tasks
    Commands,
    /// Loading an order of 1,000 events
    Loads,
    /// Events/s of a projection that works through a backlog
    CatchUp,
    /// Events/s of a rebuild beside the build that answers, and of a first build
    Rebuild,
    /// Ten projections next to one: reads of the log, and events/s
    Together,
    /// From an acknowledged command to the answer of a reader that waits for it, in one process and between two
    Lag,
    /// What each demand for freshness costs a query whose view is there
    Demands,
}

pub(crate) struct Plan {
    only: Vec<What>,
    places: Vec<Place>,
    pub(crate) rounds: usize,
    /// Of one measurement of commands.
    pub(crate) time: Duration,
    pub(crate) tasks: Vec<usize>,
    pub(crate) backlog: u64,
    /// For the lag.
    pub(crate) commands: u64,
    pub(crate) style: Style,
    /// It is only to be seen that all works.
    pub(crate) quick: bool,
}

impl Plan {
    pub(crate) fn of(options: Options) -> Self {
        let style = if options.markdown { Style::Markdown } else { Style::Terminal };
        let Options { only, place: places, rounds, seconds, backlog, quick, .. } = options;
        let thorough = Self {
            only,
            places,
            rounds: rounds.max(1),
            time: Duration::from_secs_f64(seconds.clamp(0.01, 600.0)),
            tasks: vec![1, 8, 32, 128],
            backlog: backlog.max(1),
            commands: 1_000,
            style,
            quick,
        };
        if !quick {
            return thorough;
        }
        Self {
            rounds: 1,
            time: Duration::from_millis(100),
            tasks: vec![1, 32],
            backlog: 5_000,
            commands: 100,
            ..thorough
        }
    }

    /// The servers that it takes.
    pub(crate) fn needs(&self) -> Vec<&'static str> {
        let mut needs = Vec::new();
        if self.covers(Place::Postgres) {
            needs.push("postgres");
            if self.measures(What::Commands) {
                needs.push("slow-postgres");
            }
        }
        let on_mongo = [What::CatchUp, What::Rebuild, What::Together, What::Lag, What::Demands];
        if self.covers(Place::Mongo) && on_mongo.into_iter().any(|what| self.measures(what)) {
            needs.push("mongo");
        }
        needs
    }

    pub(crate) fn measures(&self, what: What) -> bool {
        self.only.is_empty() || self.only.contains(&what)
    }

    pub(crate) fn covers(&self, place: Place) -> bool {
        self.places.is_empty() || self.places.contains(&place)
    }
}
