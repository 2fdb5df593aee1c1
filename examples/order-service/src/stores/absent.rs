//! Stores that this program was built without.

use super::{
    OpenError,
    name::{self, EVENTS},
};

/// Why there is no store of events of a kind that is known, but not built in.
pub(super) fn events(option: &'static str, scheme: &str) -> Option<OpenError> {
    let (store, feature) = known(scheme)?;
    Some(match feature {
        "mongodb" => OpenError::ViewsOnly { option, server: store, forms: name::forms(EVENTS) },
        _ => OpenError::NotBuiltIn { option, store, feature },
    })
}

/// The same for views.
pub(super) fn views(option: &'static str, scheme: &str) -> Option<OpenError> {
    let (store, feature) = known(scheme)?;
    Some(OpenError::NotBuiltIn { option, store, feature })
}

/// The kind of store, and the feature that brings it.
fn known(scheme: &str) -> Option<(&'static str, &'static str)> {
    match scheme {
        "sqlite" => Some(("SQLite", "sqlite")),
        "postgres" | "postgresql" => Some(("PostgreSQL", "postgres")),
        "mongodb" | "mongodb+srv" => Some(("MongoDB", "mongodb")),
        _ => None,
    }
}
