//! What each database can do at the most: hand-written code that keeps none of the framework's promises but those that
//! it is named for. It is as good as it can be made, for it is the measure.

pub(crate) mod mongo;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// As long as the metadata that the framework records.
const METADATA: &str = r#"{"correlation_id":"0193f0c0-0000-7000-8000-000000000000","causation_id":"0193f0c0-0000-7000-8000-000000000000","command_id":"0193f0c0-0000-7000-8000-000000000000"}"#;
