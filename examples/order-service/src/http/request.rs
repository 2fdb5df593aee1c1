use axum::{
    extract::{Path, rejection::PathRejection},
    http::HeaderMap,
};
use cqrs_core::domain::{Id, IdError};

use super::{Code, Problem};

/// The value of a header; a problem where there are several, or it is no visible text.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &str, code: Code) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(code, format!("the header `{name}` is given more than once")));
    }
    let text = value.to_str().map_err(|_| {
        Problem::new(code, format!("the header `{name}` has other characters than visible ASCII"))
    })?;
    Ok(Some(text.trim()))
}

/// The id in a path.
pub(super) fn path_id<I: Id>(id: Result<Path<String>, PathRejection>) -> Result<I, Problem> {
    let bad = |detail: String| Problem::new(Code::BadId, detail);
    let Path(text) = id.map_err(|rejection| bad(rejection.body_text()))?;
    text.parse().map_err(|error: IdError| bad(error.to_string()))
}
