use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{follower::Follower, shared::SharedLog};
use crate::store::EventFilter;

/// How long one is waited for who is to read the log, but has not begun. Projections of an application start together,
/// but one after the other; one that another application runs does not come, and nothing is kept for it any longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// One who is about to read the log, from a place that is not known yet.
///
/// What is read meanwhile is kept, and is good enough to begin with. Otherwise a small log would be read once more by each
/// who finds the others through with it.
#[derive(Debug)]
pub(in crate::runtime) struct Expected {
    shared: Arc<SharedLog>,
    filter: Arc<EventFilter>,
    follower: Follower,
    until: Instant,
}

impl Expected {
    pub(super) fn new(shared: &Arc<SharedLog>, filter: Arc<EventFilter>) -> Self {
        let until = Instant::now() + PATIENCE;
        let follower = Follower::new(Arc::clone(shared), Arc::clone(&filter));
        follower.announce(until);
        Self { shared: Arc::clone(shared), filter, follower, until }
    }

    /// It begins now. One who was not waited for any longer is told nothing by what was read before, as the log may have
    /// been put back since.
    pub(in crate::runtime) fn follow(self) -> Follower {
        let Self { shared, filter, follower, until } = self;
        if Instant::now() <= until { follower } else { shared.follow(filter) }
    }
}
