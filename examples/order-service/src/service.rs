use std::{fmt, sync::Arc};

use cqrs_axum::LiveStreams;
use cqrs_core::{
    app::{App, BuildError},
    query::Views,
    runtime::{LagMonitor, RuntimeOptions},
    store::{EventStore, ViewStore},
};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    Options, Role, metrics,
    stores::{self, OpenError},
};

/// What runs in one process, as its [`Role`] has it.
#[derive(Clone)]
pub struct Service {
    role: Role,
    app: Option<App>,
    views: Option<Views>,
    /// Of the views that another process builds.
    monitor: Option<Arc<LagMonitor>>,
    recorder: PrometheusHandle,
    live: LiveStreams,
}

impl Service {
    /// Opens the stores that the role needs, and starts.
    ///
    /// # Errors
    ///
    /// [`StartError`] where a store can't be opened.
    pub async fn open(options: &Options) -> Result<Self, StartError> {
        let Options { role, write, read, live_streams, partitions, .. } = options;
        #[cfg(not(all(feature = "command", feature = "projector", feature = "query")))]
        if let Some(feature) = role.missing_feature() {
            return Err(StartError::Role { role: *role, feature });
        }
        #[cfg(all(
            all(feature = "sqlite", feature = "write-store"),
            all(feature = "sqlite", feature = "read-store")
        ))]
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
        let runtime = RuntimeOptions::default().partitions(*partitions);
        let started = Self::run(*role, events, views, runtime).await?;
        Ok(Self { live: LiveStreams::new(*live_streams), ..started })
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
        Self::run(role, events, views, RuntimeOptions::default()).await
    }

    async fn run(
        role: Role,
        events: Option<Arc<dyn EventStore>>,
        views: Option<Arc<dyn ViewStore>>,
        runtime: RuntimeOptions,
    ) -> Result<Self, StartError> {
        let recorder = metrics::recorder()?;
        let app = match events {
            Some(events) => {
                let builder = App::builder(events).runtime(runtime);
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
        let views = views.map(Views::new);
        let watched = views.as_ref().filter(|_| !role.builds_views());
        let monitor = watched.map(|views| Arc::new(watch(views)));
        let live = LiveStreams::new(Options::LIVE_STREAMS);
        Ok(Self { role, app, views, monitor, recorder, live })
    }

    /// Ends the live views, which would go on for ever, and lets nobody watch any more. To be called before requests in
    /// flight are waited for.
    pub fn end_live_views(&self) {
        self.live.close();
    }

    /// Stops the projections after the batch that they are writing.
    pub async fn stop(&self) {
        if let Some(monitor) = &self.monitor {
            monitor.stop().await;
        }
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

    /// Watches the views that another process builds.
    pub(crate) fn monitor(&self) -> Option<&LagMonitor> {
        self.monitor.as_deref()
    }

    /// What this process measures.
    pub(crate) const fn recorder(&self) -> &PrometheusHandle {
        &self.recorder
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, app, views, monitor, recorder: _, live: _ } = self;
        f.debug_struct("Service")
            .field("role", role)
            .field("app", app)
            .field("views", views)
            .field("monitor", monitor)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "read-store")]
fn watch(views: &Views) -> LagMonitor {
    let monitor = views.lag_monitor();
    monitor.projection::<order_views::OrderSummary>().projection::<order_views::CustomerSummary>().start()
}

#[cfg(not(feature = "read-store"))]
fn watch(views: &Views) -> LagMonitor {
    views.lag_monitor().start()
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The role needs what is not compiled in.
    #[cfg(not(all(feature = "command", feature = "projector", feature = "query")))]
    #[error("the role `{role}` needs the cargo feature `{feature}`, which this program was built without")]
    Role {
        /// The role.
        role: Role,
        /// The feature.
        feature: &'static str,
    },
    /// Both options name one store.
    #[cfg(all(
        all(feature = "sqlite", feature = "write-store"),
        all(feature = "sqlite", feature = "read-store")
    ))]
    #[error("--write and --read name the same file; events and views have one each")]
    OneStore,
    /// A store can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A store refuses a projection.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The process has another recorder of metrics.
    #[error("metrics can't be recorded")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
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
