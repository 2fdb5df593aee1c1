use std::{collections::BTreeMap, future::poll_fn, task::Poll};

use tokio::sync::watch;

use super::answering::Answering;
use crate::store::{Checkpoint, Partition, ProjectionId, ViewStore};

/// How far a projection is.
pub(crate) struct Progress {
    /// What answers queries.
    pub(crate) build: ProjectionId,
    /// `None` before its first batch.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Those of its partitions, where it is divided.
    pub(crate) partitions: BTreeMap<Partition, Checkpoint>,
}

impl Progress {
    /// How far one document is.
    pub(crate) fn of(&self, key: &str) -> Option<Checkpoint> {
        match self.partitions.keys().next() {
            Some(first) => self.partitions.get(&Partition::of_key(key).among(first.of())).copied(),
            None => self.checkpoint,
        }
    }
}

/// Tells of what answers: of the build itself, and of its partitions.
pub(crate) struct News {
    answering: Answering,
    told: Vec<(Partition, watch::Receiver<Option<Checkpoint>>)>,
}

impl News {
    pub(super) fn of(store: &dyn ViewStore, answering: Answering) -> Self {
        let partitions = answering.is_divided().then(|| answering.places()).into_iter().flatten();
        let told = std::iter::once(answering.build.clone()).chain(partitions);
        let told = told.map(|id| (id.partition, store.watch(&id))).collect();
        Self { answering, told }
    }

    /// Whether this is what answers.
    pub(super) fn are_of(&self, answering: &Answering) -> bool {
        self.answering == *answering
    }

    /// What was told last of each; the first is the build itself.
    pub(crate) fn seen(&mut self) -> impl Iterator<Item = (Partition, Option<Checkpoint>)> + '_ {
        self.told.iter_mut().map(|(partition, told)| (*partition, *told.borrow_and_update()))
    }

    /// Comes back when there is news of one of them: whether there can be more.
    pub(crate) async fn changed(&mut self) -> bool {
        let mut changing: Vec<_> =
            self.told.iter_mut().map(|(_, receiver)| Box::pin(receiver.changed())).collect();
        poll_fn(|context| {
            for changed in &mut changing {
                if let Poll::Ready(changed) = changed.as_mut().poll(context) {
                    return Poll::Ready(changed.is_ok());
                }
            }
            Poll::Pending
        })
        .await
    }
}
