use std::{fmt, future::Future};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::runtime::Handle;

/// How long a smaller value that breaks the property is looked for, in milliseconds: on a slow database it is shown all the
/// same, and does not look as if it hung.
const SHRINKING: u32 = 10_000;

/// Checks a property on random values, the same in each run, and shows the smallest value that breaks it, of those that were
/// found in time.
pub(crate) async fn check<T, F>(
    cases: u32,
    values: impl Strategy<Value = T> + Send + 'static,
    property: impl Fn(T) -> F + Send + 'static,
) where
    T: fmt::Debug,
    F: Future<Output = ()>,
{
    let runtime = Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 2_000,
            max_shrink_time: SHRINKING,
            ..Config::default()
        };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        TestRunner::new_with_rng(config, rng)
            .run(&values, |value| {
                runtime.block_on(property(value));
                Ok(())
            })
            .map_err(|error| error.to_string())
    });
    if let Err(error) = checked.await.expect("the property's task ends") {
        panic!("{error}");
    }
}
