use std::{future::Future, panic::resume_unwind, thread};

use tokio::runtime::{Builder, Handle};

/// Waits for a future, on a runtime of its own; also where the caller is a task of another one.
pub(super) fn block_on<F>(future: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    let run =
        || Builder::new_current_thread().enable_all().build().expect("a runtime starts").block_on(future);
    if Handle::try_current().is_err() {
        return run();
    }
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| resume_unwind(panic))
}
