use std::{fmt, net::SocketAddr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use cqrs_core::store::Partition;

use crate::stores;

/// Takes orders over HTTP, keeps them as events, and answers queries from views of them.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
#[non_exhaustive]
pub struct Options {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, env = "ORDER_SERVICE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Where the events are
    #[arg(
        long,
        help = stores::help("Where the events are", stores::EVENTS),
        env = "ORDER_SERVICE_WRITE",
        default_value = stores::EVENTS[0].default,
        value_name = "STORE",
        hide_env_values = true
    )]
    pub write: String,

    /// Where the views are
    #[arg(
        long,
        help = stores::help("Where the views are", stores::VIEWS),
        env = "ORDER_SERVICE_READ",
        default_value = stores::VIEWS[0].default,
        value_name = "STORE",
        hide_env_values = true,
        global = true
    )]
    pub read: String,

    /// How long to wait for a store that is busy or away, in seconds
    #[arg(
        long,
        env = "ORDER_SERVICE_STORE_TIMEOUT",
        default_value_t = 10,
        value_name = "SECONDS",
        global = true,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    pub store_timeout: u64,

    /// How many live views may be watched at once, of all clients together
    #[arg(
        long,
        env = "ORDER_SERVICE_LIVE_STREAMS",
        default_value_t = Self::LIVE_STREAMS,
        value_name = "COUNT"
    )]
    pub live_streams: usize,

    /// Into how many partitions the views are divided, which several projectors share: 1, 2, 4, … or 1024
    #[arg(
        long,
        env = "ORDER_SERVICE_PARTITIONS",
        default_value_t = 1,
        value_name = "COUNT",
        value_parser = partitions
    )]
    pub partitions: u16,

    /// What this process does; several processes on the same stores may share the work
    #[arg(long, env = "ORDER_SERVICE_ROLE", default_value_t = Role::All, value_enum)]
    pub role: Role,

    /// What to do instead of serving
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What the program does besides serving.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Task {
    /// Has a view built anew, by the process that builds it, and shows how that gets on
    Rebuild(Rebuild),
}

/// Which view is built anew.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct Rebuild {
    /// The view
    #[arg(value_enum)]
    pub projection: View,

    /// Only shows how the build gets on that is under way
    #[arg(long)]
    pub follow: bool,

    /// Who asks, for the record
    #[arg(long, env = "USER", default_value = "order-service", value_name = "NAME")]
    pub by: String,
}

/// A view, by the name of its projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum View {
    /// The orders
    OrderSummary,
    /// The customers' sums
    CustomerSummary,
}

impl Options {
    pub(crate) const LIVE_STREAMS: usize = 1_000;

    pub(crate) const fn store_timeout(&self) -> Duration {
        Duration::from_secs(self.store_timeout)
    }
}

fn partitions(text: &str) -> Result<u16, String> {
    let count = text.parse().ok().filter(|count| Partition::is_count(*count));
    count.ok_or_else(|| format!("it is none of 1, 2, 4, 8, … {}", Partition::MOST))
}

#[cfg(feature = "read-store")]
impl View {
    pub(crate) fn id(self) -> cqrs_core::store::ProjectionId {
        use cqrs_core::store::ProjectionId;
        match self {
            Self::OrderSummary => ProjectionId::of::<order_views::OrderSummary>(),
            Self::CustomerSummary => ProjectionId::of::<order_views::CustomerSummary>(),
        }
    }
}

/// What one process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// All of it
    All,
    /// Takes commands
    Command,
    /// Builds the views
    Projector,
    /// Answers queries
    Query,
}

impl Role {
    /// It takes commands, and shows the history of an order.
    #[must_use]
    pub const fn takes_commands(self) -> bool {
        matches!(self, Self::All | Self::Command)
    }

    /// It builds the views.
    #[must_use]
    pub const fn builds_views(self) -> bool {
        matches!(self, Self::All | Self::Projector)
    }

    /// It answers queries.
    #[must_use]
    pub const fn answers_queries(self) -> bool {
        matches!(self, Self::All | Self::Query)
    }

    /// It needs the write store.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.takes_commands() || self.builds_views()
    }

    /// It needs the read store.
    #[must_use]
    pub const fn reads(self) -> bool {
        self.builds_views() || self.answers_queries()
    }

    /// A cargo feature that this role needs, but that this program was built without.
    #[cfg(not(all(feature = "command", feature = "projector", feature = "query")))]
    pub(crate) const fn missing_feature(self) -> Option<&'static str> {
        if self.takes_commands() && !cfg!(feature = "command") {
            Some("command")
        } else if self.builds_views() && !cfg!(feature = "projector") {
            Some("projector")
        } else if self.answers_queries() && !cfg!(feature = "query") {
            Some("query")
        } else {
            None
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Command => "command",
            Self::Projector => "projector",
            Self::Query => "query",
        })
    }
}
