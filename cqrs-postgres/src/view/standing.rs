//! How the standing of a build is stored: as a text that people read.

use std::borrow::Cow;

use cqrs_core::store::Standing;

pub(super) fn stored(standing: Standing) -> Cow<'static, str> {
    match standing {
        Standing::Live => "live".into(),
        Standing::Building => "building".into(),
        Standing::Superseded { by } => format!("superseded by {by}").into(),
    }
}

pub(super) fn read(stored: &str) -> Result<Standing, String> {
    match stored {
        "live" => Ok(Standing::Live),
        "building" => Ok(Standing::Building),
        other => match other.strip_prefix("superseded by ").map(str::parse) {
            Some(Ok(by)) => Ok(Standing::Superseded { by }),
            _ => Err(format!("{other:?} is no standing of a build")),
        },
    }
}
