use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::lag::{Lag, LagHook};
use crate::{
    metrics::{LagGauges, Observer},
    store::ProjectionId,
};

/// The lag that a projection promises, and who is told whether it is kept: the same for the process that runs the
/// projection and for those that read its documents.
pub(super) struct Contract {
    projection: ProjectionId,
    max_lag: Option<Duration>,
    hooks: Vec<Arc<dyn LagHook>>,
    gauges: LagGauges,
    breached: AtomicBool,
}

impl Contract {
    pub(super) fn new(
        projection: ProjectionId,
        max_lag: Option<Duration>,
        hooks: Vec<Arc<dyn LagHook>>,
        observer: Observer,
    ) -> Self {
        let gauges = LagGauges::of(&projection, observer);
        Self { projection, max_lag, hooks, gauges, breached: AtomicBool::new(false) }
    }

    pub(super) const fn projection(&self) -> &ProjectionId {
        &self.projection
    }

    pub(super) const fn max_lag(&self) -> Option<Duration> {
        self.max_lag
    }

    /// Whether this lag is more than is promised.
    pub(super) fn is_broken_by(&self, lag: Lag) -> bool {
        self.max_lag.is_some_and(|max| lag.time > max)
    }

    /// Tells gauges and hooks of a measured lag; of a crossing once.
    pub(super) fn observe(&self, lag: Lag, parked: u64) {
        let breached = self.is_broken_by(lag);
        let crossed = self.breached.swap(breached, Ordering::AcqRel) != breached;
        self.gauges.observed(lag, self.max_lag, parked, crossed && breached);
        for hook in &self.hooks {
            self.guarded(|| hook.observed(&self.projection, lag));
            match self.max_lag.filter(|_| crossed) {
                Some(max_lag) if breached => self.guarded(|| hook.breached(&self.projection, lag, max_lag)),
                Some(_) => self.guarded(|| hook.recovered(&self.projection, lag)),
                None => {}
            }
        }
    }

    /// A hook's fault is not the projection's, nor that of what the hook is told next.
    fn guarded(&self, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            tracing::error!(projection = %self.projection, "a lag hook panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<String>>>);

    impl Told {
        fn say(&self, what: &str, lag: Lag) {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(format!("{what} {}", lag.time.as_millis()));
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    impl LagHook for Told {
        fn observed(&self, _: &ProjectionId, lag: Lag) {
            self.say("observed", lag);
        }

        fn breached(&self, _: &ProjectionId, lag: Lag, _: Duration) {
            self.say("breached", lag);
        }

        fn recovered(&self, _: &ProjectionId, lag: Lag) {
            self.say("recovered", lag);
        }
    }

    struct Panics(Told);

    impl LagHook for Panics {
        fn observed(&self, _: &ProjectionId, _: Lag) {
            panic!("a hook's own fault");
        }

        fn breached(&self, projection: &ProjectionId, lag: Lag, max_lag: Duration) {
            self.0.breached(projection, lag, max_lag);
        }
    }

    fn contract(max_lag: Option<u64>, hooks: Vec<Arc<dyn LagHook>>) -> Contract {
        let projection = ProjectionId::new("orders", 1);
        Contract::new(projection, max_lag.map(Duration::from_millis), hooks, Observer::Owner)
    }

    fn observe(contract: &Contract, millis: u64) {
        contract.observe(Lag { events: 1, time: Duration::from_millis(millis) }, 0);
    }

    #[test]
    fn each_crossing_is_told_once_and_the_bound_itself_is_kept() {
        let told = Told::default();
        let contract = contract(Some(10), vec![Arc::new(told.clone())]);
        for (millis, expected) in [
            (10, vec!["observed 10"]),
            (11, vec!["observed 11", "breached 11"]),
            (12, vec!["observed 12"]),
            (10, vec!["observed 10", "recovered 10"]),
            (0, vec!["observed 0"]),
            (99, vec!["observed 99", "breached 99"]),
        ] {
            observe(&contract, millis);
            assert_eq!(told.take(), expected);
        }
    }

    #[test]
    fn without_a_promise_nothing_is_breached() {
        let told = Told::default();
        let contract = contract(None, vec![Arc::new(told.clone())]);
        observe(&contract, 86_400_000);
        assert_eq!(told.take(), ["observed 86400000"]);
    }

    #[test]
    fn a_hook_that_panics_is_told_of_the_breach_all_the_same_and_so_are_the_others() {
        let (first, second) = (Told::default(), Told::default());
        let contract = contract(Some(10), vec![Arc::new(Panics(first.clone())), Arc::new(second.clone())]);
        observe(&contract, 11);
        assert_eq!(first.take(), ["breached 11"]);
        assert_eq!(second.take(), ["observed 11", "breached 11"]);
    }
}
