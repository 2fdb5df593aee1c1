use cqrs_core::envelope::{CommandId, Metadata};
use jiff::Timestamp;

/// Metadata that is the same in each run: the Unix epoch, nobody in particular.
pub(super) fn anybody() -> Metadata {
    Metadata::of_command(CommandId::from_key("a command of a test"), Timestamp::UNIX_EPOCH)
}

/// The methods that say under which circumstances things happen.
macro_rules! circumstances {
    () => {
        /// From here on, it is this time: the command's, and that at which events are recorded. Before, it is the
        /// Unix epoch.
        #[must_use]
        pub fn at(self, time: jiff::Timestamp) -> Self {
            self.with_metadata(|metadata| metadata.time = time)
        }

        /// From here on, this is who asks. Before, nobody is.
        #[must_use]
        pub fn by(self, actor: impl Into<String>) -> Self {
            self.with_metadata(|metadata| metadata.actor = Some(actor.into()))
        }

        /// From here on, commands come with other metadata, and events follow from such commands.
        #[must_use]
        pub fn with_metadata(mut self, change: impl FnOnce(&mut cqrs_core::envelope::Metadata)) -> Self {
            change(&mut self.metadata);
            self
        }
    };
}

pub(super) use circumstances;
