use crate::{
    envelope::Position,
    runtime::{CheckpointHealth, ProjectionHealth, Projections},
    store::EventStore,
};

/// How an application is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// The write store.
    pub write_store: StoreHealth,
    /// Each projection that this process keeps up to date.
    pub projections: Vec<ProjectionHealth>,
    /// Each projection that this process only reads, as it was last seen; another one keeps it up to date.
    pub query_only: Vec<CheckpointHealth>,
}

/// How a store is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreHealth {
    /// It answers.
    Up {
        /// The head of the log.
        head: Position,
    },
    /// It does not.
    Down {
        /// Why, with the causes.
        reason: String,
    },
}

impl Health {
    pub(super) async fn of(store: &dyn EventStore, projections: &Projections) -> Self {
        let write_store = match store.head().await {
            Ok(head) => StoreHealth::Up { head },
            Err(error) => StoreHealth::Down { reason: crate::runtime::with_causes(&error) },
        };
        Self { write_store, projections: projections.health(), query_only: projections.query_only() }
    }

    /// The write store answers, and each projection works without parked events and within its promised lag, here or in
    /// another process.
    pub fn is_well(&self) -> bool {
        matches!(self.write_store, StoreHealth::Up { .. })
            && self.projections.iter().all(ProjectionHealth::is_well)
            && self.query_only.iter().all(CheckpointHealth::is_well)
    }
}
