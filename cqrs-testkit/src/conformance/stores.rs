use std::{fmt, future::Future, sync::Arc, time::Duration};

use cqrs_core::store::{BoxFuture, EventStore, SnapshotStore, ViewStore};

type Open<S> = Box<dyn Fn() -> BoxFuture<'static, Arc<S>> + Send + Sync>;

/// Opens the stores that a rule tries out.
pub struct Stores<S: ?Sized> {
    fresh: Arc<dyn Fn() -> Open<S> + Send + Sync>,
    open: Open<S>,
    pub(crate) patience: Duration,
}

/// Far longer than news take.
const PATIENCE: Duration = Duration::from_secs(20);

impl<S: ?Sized> Stores<S> {
    fn from_fresh(fresh: Arc<dyn Fn() -> Open<S> + Send + Sync>) -> Self {
        Self { open: fresh(), fresh, patience: PATIENCE }
    }

    /// Opens a handle, as a program does when it starts: empty the first time, and after that with the same data
    /// again, be the handles before still open or not.
    pub async fn open(&self) -> Arc<S> {
        (self.open)().await
    }

    /// Stores with other data.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { patience: self.patience, ..Self::from_fresh(Arc::clone(&self.fresh)) }
    }

    /// How long rules wait for a watcher to be woken before they fail: 20 seconds by default, which is far longer than news
    /// take. Less of it serves to see in a short time that a rule fails on a store that wakes nobody.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl<S: ?Sized> fmt::Debug for Stores<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

macro_rules! stores_of {
    ($store:path) => {
        impl Stores<dyn $store> {
            /// `fresh` finds a place for new data, and returns what opens a handle on the data there, each time
            /// that it is called.
            pub fn new<F, O, T>(fresh: F) -> Self
            where
                F: Fn() -> O + Send + Sync + 'static,
                O: Fn() -> T + Send + Sync + 'static,
                T: Future<Output: $store> + Send + 'static,
            {
                Self::from_fresh(Arc::new(move || {
                    let open = fresh();
                    Box::new(move || {
                        let opening = open();
                        Box::pin(async move { Arc::new(opening.await) as Arc<dyn $store> })
                    })
                }))
            }
        }
    };
}

stores_of!(EventStore);
stores_of!(SnapshotStore);
stores_of!(ViewStore);

/// One promise, and the check of it.
pub struct Rule<S: ?Sized + 'static> {
    /// The promise in short: the name of the function that checks it.
    pub name: &'static str,
    pub(crate) check: for<'a> fn(&'a Stores<S>) -> BoxFuture<'a, ()>,
}

/// Longer than any rule takes on a slow machine: one that hangs is to fail.
const HANGS: Duration = Duration::from_mins(5);

impl<S: ?Sized> Rule<S> {
    /// Checks the rule.
    pub async fn check(&self, stores: &Stores<S>) {
        let done = tokio::time::timeout(HANGS, (self.check)(stores)).await;
        assert!(done.is_ok(), "the rule `{}` hangs: nothing came within {HANGS:?}", self.name);
    }

    /// Checks the rule on a runtime of several threads.
    pub fn test(&self, stores: &Stores<S>) {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .expect("a runtime starts")
            .block_on(self.check(stores));
    }
}

impl<S: ?Sized> fmt::Debug for Rule<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.name).finish()
    }
}
