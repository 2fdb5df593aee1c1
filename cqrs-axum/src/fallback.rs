//! Problems for what no handler answers.
//!
//! ```
//! use axum::Router;
//! use cqrs_axum::fallback;
//!
//! let router: Router = Router::new()
//!     .fallback(fallback::not_found)
//!     .method_not_allowed_fallback(fallback::method_not_allowed);
//! # drop(router);
//! ```

use std::{
    any::Any,
    future::{Ready, ready},
};

use axum::{
    http::{Method, Uri},
    response::{IntoResponse as _, Response},
};

use crate::{Code, Problem};

/// There is no route.
#[allow(clippy::needless_pass_by_value, reason = "a handler owns what it takes")]
pub fn not_found(uri: Uri) -> Ready<Problem> {
    ready(Problem::new(Code::NOT_FOUND, format!("there is nothing at {:?}", short(uri.path(), 200))))
}

/// There is a route, but for other methods.
#[allow(clippy::needless_pass_by_value, reason = "a handler owns what it takes")]
pub fn method_not_allowed(method: Method, uri: Uri) -> Ready<Problem> {
    let (method, path) = (short(method.as_str(), 20), short(uri.path(), 200));
    ready(Problem::new(Code::METHOD_NOT_ALLOWED, format!("{path:?} does not answer {method}")))
}

/// A handler panicked; for a layer that catches panics, such as that of `tower-http`. What it said goes into the log.
#[allow(clippy::needless_pass_by_value, reason = "the layer's own signature")]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(&std::io::Error::other(format!("a request panicked: {what}"))).into_response()
}

fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
