use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use crate::{
    envelope::Position,
    runtime::{CheckpointHealth, ProjectionHealth, Projections, with_causes},
    store::{Error, EventStore, ProjectionId},
};

/// How long a store may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// How an application is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// The write store.
    pub write_store: StoreHealth,
    /// Each read store that a projection is registered with, in the order of registration; one that is shared by an `Arc` once,
    /// and each clone of a handle by itself.
    pub read_stores: Vec<ReadStoreHealth>,
    /// Each projection that this process keeps up to date.
    pub projections: Vec<ProjectionHealth>,
    /// Each projection that this process only reads, as it was last seen; another one keeps it up to date.
    pub query_only: Vec<CheckpointHealth>,
}

/// How a write store is.
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

/// How a read store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadStoreHealth {
    /// The projections that are registered with it.
    pub projections: Vec<ProjectionId>,
    /// Why it does not answer, with the causes; `None` where it does.
    pub error: Option<String>,
}

impl Health {
    /// Asks all stores at once, each for something small.
    pub(super) async fn of(store: Arc<dyn EventStore>, projections: &Projections) -> Self {
        let mut asking = JoinSet::new();
        for (nth, (views, registered)) in projections.stores().enumerate() {
            let (views, registered) = (Arc::clone(views), registered.to_vec());
            asking.spawn(async move {
                let asked = async { views.checkpoint(&registered[0]).await.map(drop) };
                let error = answer(asked).await.err();
                (nth, ReadStoreHealth { projections: registered, error })
            });
        }
        let write_store = match answer(async { store.head().await }).await {
            Ok(head) => StoreHealth::Up { head },
            Err(reason) => StoreHealth::Down { reason },
        };
        let mut read_stores = asking.join_all().await;
        read_stores.sort_by_key(|(nth, _)| *nth);
        Self {
            write_store,
            read_stores: read_stores.into_iter().map(|(_, health)| health).collect(),
            projections: projections.health(),
            query_only: projections.query_only(),
        }
    }

    /// All stores answer, and each projection works without parked events and within its promised lag, here or in another
    /// process.
    pub fn is_well(&self) -> bool {
        matches!(self.write_store, StoreHealth::Up { .. })
            && self.read_stores.iter().all(|store| store.error.is_none())
            && self.projections.iter().all(ProjectionHealth::is_well)
            && self.query_only.iter().all(CheckpointHealth::is_well)
    }
}

/// What a store answers within the time that it has, or why not.
async fn answer<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match timeout(PATIENCE, asked).await {
        Ok(answered) => answered.map_err(|error| with_causes(&error)),
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}
