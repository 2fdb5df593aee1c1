use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $zero:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            #[doc = $zero]
            pub const ZERO: Self = Self(0);

            /// The place with this number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The place that is `count` further.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }

            /// How far this place is beyond `other`; 0 where it is not.
            pub const fn since(self, other: Self) -> u64 {
                self.0.saturating_sub(other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// The place of an event in its stream, from 1.
    Version,
    "Before the first event: the version of a stream that does not exist."
);

counter!(
    /// The place of an event in the log, from 1, without holes.
    Position,
    "Before the first event of the log."
);

/// Names a stream: a category, such as `order`, and the id of one instance.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct StreamId {
    category: Arc<str>,
    id: Arc<str>,
}

/// A stream's name before it is checked.
#[derive(Serialize, Deserialize)]
struct Parts {
    category: String,
    id: String,
}

impl From<StreamId> for Parts {
    fn from(stream: StreamId) -> Self {
        Self { category: stream.category().to_owned(), id: stream.id().to_owned() }
    }
}

impl TryFrom<Parts> for StreamId {
    type Error = StreamIdError;

    fn try_from(Parts { category, id }: Parts) -> Result<Self, StreamIdError> {
        Self::new(category, id)
    }
}

impl StreamId {
    /// The most bytes that a category or an id may have.
    pub const MAX_LEN: usize = 255;

    /// Names a stream.
    ///
    /// # Errors
    ///
    /// Where the category or the id is empty, longer than [`MAX_LEN`](Self::MAX_LEN) bytes, or has a control
    /// character.
    pub fn new(category: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Result<Self, StreamIdError> {
        let (category, id) = (category.into(), id.into());
        for (part, text) in [("category", &category), ("id", &id)] {
            let problem = if text.is_empty() {
                "is empty"
            } else if text.len() > Self::MAX_LEN {
                "is longer than 255 bytes"
            } else if text.chars().any(char::is_control) {
                "has a control character"
            } else {
                continue;
            };
            return Err(StreamIdError { part, text: text.chars().take(64).collect(), problem });
        }
        Ok(Self { category, id })
    }

    /// The kind of stream.
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The instance.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.category, self.id)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({self})")
    }
}

/// A text can't name a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {part} {text:?} of a stream {problem}")]
pub struct StreamIdError {
    part: &'static str,
    text: String,
    problem: &'static str,
}
