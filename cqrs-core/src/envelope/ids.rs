use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one: a UUIDv7, which sorts by time.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Wraps an existing UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_newtype!(
    /// The id of one recorded event, chosen by the program that appends it, so that it can find out whether an
    /// append whose answer was lost has happened.
    EventId
);

uuid_newtype!(
    /// The id of a command. The same id given twice runs the command once.
    CommandId
);

uuid_newtype!(
    /// The identity of a log. Tokens and checkpoints carry it, so that those of another log are recognised.
    LogId
);

/// Namespace of command ids that are made from a caller's own key.
const COMMAND_KEYS: Uuid = Uuid::from_u128(0x6a1f_6c53_0f5e_5d0b_9d43_3c1c_7b0e_5a11);

impl CommandId {
    /// The command id that stands for a caller's own key, such as an HTTP `Idempotency-Key`: the same key gives
    /// the same id (UUIDv5, RFC 9562), always and everywhere.
    pub fn from_key(key: &str) -> Self {
        Self(Uuid::new_v5(&COMMAND_KEYS, key.as_bytes()))
    }
}
