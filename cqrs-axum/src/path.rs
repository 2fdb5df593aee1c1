use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use cqrs_core::domain::{Id, IdError};

use crate::{Code, Problem};

/// The one id in a path, as an extractor; one that its type refuses is [`Code::BAD_ID`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathId<I>(pub I);

impl<I: Id, S: Send + Sync> FromRequestParts<S> for PathId<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::new(Code::BAD_ID, rejection.body_text()))?;
        Ok(Self(text.parse().map_err(|error: IdError| Problem::from(error))?))
    }
}
