use axum::http::HeaderMap;

use crate::{Code, Problem};

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
