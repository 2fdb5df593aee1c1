//! Asks for views, and says how fresh they have to be.
//!
//! A query takes the [freshness](Freshness) that it needs, how long it waits for it, and what it does when time is
//! up. Each [`Answer`] says how fresh it is. See `docs/consistency.md` for what each choice promises and costs.

mod answer;
mod answering;
mod check;
mod condition;
mod current;
mod cursor;
mod error;
mod freshness;
mod live;
mod page;
mod progress;
mod view;
mod views;
mod watch;

use std::sync::Arc;

pub use answer::{Answer, Page, Provenance, View};
pub(crate) use answering::{checkpoint_of, current_build};
pub use check::FreshnessCheck;
pub use condition::Condition;
pub(crate) use current::Current;
pub use cursor::{Cursor, CursorError};
pub use error::QueryError;
pub use freshness::Freshness;
pub use page::ViewsQuery;
pub(crate) use progress::{News, Progress};
pub use view::{FromApp, FromViews, ViewQuery};
pub use views::Views;
pub use watch::LiveView;
pub(crate) use watch::Observers;

use crate::{
    envelope::Position,
    store::{EventStore, ViewStore},
};

/// Where a query's answer comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The projection's read store; `None` where the projection is not registered.
    pub(crate) views: Option<Arc<dyn ViewStore>>,
    /// The log, where this program has it.
    pub(crate) log: Option<Log>,
}

/// A log that a query can look at.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) store: Arc<dyn EventStore>,
    /// Its head, as it was last told.
    pub(crate) head: tokio::sync::watch::Receiver<Position>,
}
