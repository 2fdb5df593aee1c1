//! Metadata as a store has kept them: JSON, which is read a thousand times a page.

use jiff::Timestamp;
use uuid::Uuid;

use super::{CommandId, Metadata};

impl Metadata {
    /// Reads metadata that a store has kept as JSON, and says when they were recorded. Those with nothing but ids, which most are,
    /// are read without a parser.
    ///
    /// # Errors
    ///
    /// Where the text is no JSON of metadata.
    pub fn from_store(text: &str, time: Timestamp) -> serde_json::Result<Self> {
        if let Some(metadata) = read_ids(text, time) {
            return Ok(metadata);
        }
        let mut metadata: Self = serde_json::from_str(text)?;
        metadata.time = time;
        Ok(metadata)
    }
}

fn read_ids(text: &str, time: Timestamp) -> Option<Metadata> {
    let (correlation_id, rest) = id(text.strip_prefix("{\"correlation_id\":\"")?)?;
    let (causation_id, rest) = match rest.strip_prefix("\",\"causation_id\":\"") {
        Some(rest) => id(rest).map(|(id, rest)| (Some(id), rest))?,
        None => (None, rest),
    };
    let (command_id, rest) = id(rest.strip_prefix("\",\"command_id\":\"")?)?;
    (rest == "\"}").then(|| {
        let mut metadata = Metadata::of_command(CommandId::from_uuid(command_id), time);
        (metadata.correlation_id, metadata.causation_id) = (correlation_id, causation_id);
        metadata
    })
}

fn id(text: &str) -> Option<(Uuid, &str)> {
    let (id, rest) = text.split_at_checked(36)?;
    Some((Uuid::try_parse_ascii(id.as_bytes()).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_read_as_they_were_written_with_and_without_a_parser() {
        let time = Timestamp::UNIX_EPOCH;
        let plain = Metadata::of_command(CommandId::generate(), time);
        let caused = plain.for_events();
        let with_actor = {
            let mut metadata = caused.clone();
            metadata.actor = Some("\"}".to_owned());
            metadata
        };
        for (metadata, ids_only) in [(plain, true), (caused, true), (with_actor, false)] {
            let text = serde_json::to_string(&metadata).expect("metadata serialise");
            assert_eq!(read_ids(&text, time).is_some(), ids_only, "{text}");
            assert_eq!(Metadata::from_store(&text, time).expect("what was written"), metadata);
        }
    }

    #[test]
    fn what_only_looks_like_ids_is_left_to_the_parser() {
        let metadata = Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH);
        let text = serde_json::to_string(&metadata).expect("metadata serialise");
        for (at, _) in text.char_indices() {
            let mut other = text.clone();
            other.replace_range(at..=at, "ü");
            let read = Metadata::from_store(&other, Timestamp::UNIX_EPOCH).ok();
            let parsed = serde_json::from_str::<Metadata>(&other).ok();
            assert_eq!(read.is_some(), parsed.is_some(), "{other}");
        }
    }
}
