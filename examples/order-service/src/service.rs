use std::sync::Arc;

use cqrs_axum::LiveStreams;
use cqrs_core::{
    app::{App, BuildError},
    query::Views,
    store::{EventStore, ViewStore},
};

use crate::{
    Options, Role,
    stores::{self, OpenError},
};

/// What runs in one process, as its [`Role`] has it.
#[derive(Clone, Debug)]
pub struct Service {
    role: Role,
    app: Option<App>,
    views: Option<Views>,
    live: LiveStreams,
}

impl Service {
    /// Opens the stores that the role needs, and starts.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the role is not built in, or a store can't be opened.
    pub async fn open(options: &Options) -> Result<Self, StartError> {
        let Options { role, write, read, live_streams, .. } = options;
        if let Some(feature) = role.missing_feature() {
            return Err(StartError::Role { role: *role, feature });
        }
        if role.writes() && role.reads() && stores::is_same_file(write, read) {
            return Err(StartError::OneStore);
        }
        if *role != Role::All {
            let used = [(role.writes(), "--write", write), (role.reads(), "--read", read)];
            for (_, option, _) in used.iter().filter(|(used, _, name)| *used && stores::is_private(name)) {
                tracing::warn!(
                    "{option} is `memory:`, which no other process sees: role `{role}` works alone"
                );
            }
        }
        let timeout = options.store_timeout();
        let events = if role.writes() { Some(stores::open_events(write, timeout).await?) } else { None };
        let views = if role.reads() { Some(stores::open_views(read, timeout).await?) } else { None };
        Ok(Self { live: LiveStreams::new(*live_streams), ..Self::start(*role, events, views).await? })
    }

    /// Starts on stores that are open.
    ///
    /// # Errors
    ///
    /// [`StartError`] where a store refuses a projection.
    pub async fn start(
        role: Role,
        events: Option<Arc<dyn EventStore>>,
        views: Option<Arc<dyn ViewStore>>,
    ) -> Result<Self, StartError> {
        let app = match events {
            Some(events) => {
                let builder = App::builder(events);
                #[cfg(feature = "projector")]
                let builder = match &views {
                    Some(views) if role.builds_views() => builder
                        .projection::<order_views::OrderSummary>(Arc::clone(views))
                        .projection::<order_views::CustomerSummary>(Arc::clone(views)),
                    _ => builder,
                };
                Some(builder.build().await?)
            }
            None => None,
        };
        let live = LiveStreams::new(Options::LIVE_STREAMS);
        Ok(Self { role, app, views: views.map(Views::new), live })
    }

    /// Ends the live views, which would go on for ever, and lets nobody watch any more. To be called before requests in
    /// flight are waited for.
    pub fn end_live_views(&self) {
        self.live.close();
    }

    /// Stops the projections after the batch that they are writing.
    pub async fn stop(&self) {
        if let Some(app) = &self.app {
            app.shutdown().await;
        }
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// What serves live views.
    pub(crate) const fn live(&self) -> &LiveStreams {
        &self.live
    }

    /// The application, where this process has the write store.
    pub(crate) const fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// The views, where this process has the read store.
    pub(crate) const fn views(&self) -> Option<&Views> {
        self.views.as_ref()
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The role needs what is not compiled in.
    #[error("the role `{role}` needs the cargo feature `{feature}`, which this program was built without")]
    Role {
        /// The role.
        role: Role,
        /// The feature.
        feature: &'static str,
    },
    /// Both options name one store.
    #[error("--write and --read name the same file; events and views have one each")]
    OneStore,
    /// A store can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A store refuses a projection.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Nobody can connect.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The connections ended by themselves.
    #[error("the connections can't be served any more")]
    Serve(#[source] std::io::Error),
}
