use std::{cell::Cell, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

thread_local! {
    /// What values are serialised into, before it is known how long they are.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// No more than this is kept of it.
const SCRATCH_BYTES: usize = 64 << 10;

/// A serialised value: JSON text.
///
/// It is kept as text, so that what was stored is what is read, to the byte. Copies share it.
#[derive(Clone)]
pub struct Json(Arc<str>);

impl Json {
    /// Serialises a value.
    ///
    /// # Errors
    ///
    /// Where the value's `Serialize` fails, or has a map with keys that are not text.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        SCRATCH.with(|scratch| {
            // A value that serialises others on its way finds none, and makes do with a new one.
            let mut text = scratch.take();
            text.clear();
            let written = serde_json::to_writer(&mut text, value);
            let json = written.and_then(|()| {
                str::from_utf8(&text).map(|text| Self(text.into())).map_err(serde::ser::Error::custom)
            });
            if text.capacity() <= SCRATCH_BYTES {
                scratch.set(text);
            }
            json
        })
    }

    /// Takes a text that claims to be JSON.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn from_text(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(&text)?;
        Ok(Self(text.into()))
    }

    /// Takes a text that a store has kept. One that is no JSON after all, put there by a foreign hand, is found out by
    /// [`parse`](Self::parse): so it is the trouble of one event or document, and not of the whole store.
    pub fn from_store(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// Where the text does not fit `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Length of the text, in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: JSON has no empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As the value itself; a text that is no JSON as text.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|text| Self(text.get().into()))
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

/// Shows the length only: payloads do not belong into logs.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.len())
    }
}
