use std::{future::Future, sync::Arc};

use cqrs_core::store::BoxFuture;

/// What a broken store does in place of one of its operations; it gets the sound store, and the arguments.
pub(crate) type Hook<S, I, O> = Arc<dyn Fn(S, I) -> BoxFuture<'static, O> + Send + Sync>;

#[allow(clippy::unnecessary_wraps, reason = "operations that are broken are optional")]
pub(crate) fn hook<S, I, O, F>(replace: impl Fn(S, I) -> F + Send + Sync + 'static) -> Option<Hook<S, I, O>>
where
    F: Future<Output = O> + Send + 'static,
{
    Some(Arc::new(move |sound, arguments| Box::pin(replace(sound, arguments))))
}
