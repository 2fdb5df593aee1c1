use std::{future::Future, sync::Arc};

use cqrs_core::store::BoxFuture;
use cqrs_testkit::tokio::task::yield_now;

/// What a broken store does in place of one of its operations; it gets the sound store, and the arguments.
pub(crate) type Hook<S, I, O> = Arc<dyn Fn(S, I) -> BoxFuture<'static, O> + Send + Sync>;

#[allow(clippy::unnecessary_wraps, reason = "operations that are broken are optional")]
pub(crate) fn hook<S, I, O, F>(replace: impl Fn(S, I) -> F + Send + Sync + 'static) -> Option<Hook<S, I, O>>
where
    F: Future<Output = O> + Send + 'static,
{
    Some(Arc::new(move |sound, arguments| Box::pin(replace(sound, arguments))))
}

/// Lets all other tasks run, where a fault is of those that show only then.
pub(crate) async fn let_others_run() {
    // Once is not enough: who yields last may be the first one to go on.
    yield_now().await;
    yield_now().await;
}
