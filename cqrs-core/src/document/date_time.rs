use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, to the millisecond: a date in the databases that have such a type.
///
/// Use it for the times of a projection. A [`Timestamp`] has more digits than most databases' dates can hold, and its
/// text does not sort by time, so read stores keep it as mere text; this type is the same moment in each of them.
/// In JSON it is RFC 3339 in UTC, always with three digits after the second: `2026-11-21T09:30:00.000Z`.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// let time: Timestamp = "2026-11-21T09:30:00.1239Z".parse()?;
/// assert_eq!(DateTime::from(time).to_string(), "2026-11-21T09:30:00.123Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(Timestamp);

/// The name by which a [`Value`]'s serializer knows this type.
pub(super) const NAME: &str = "$cqrs::DateTime";

impl DateTime {
    /// The moment now, by this machine's clock.
    pub fn now() -> Self {
        Timestamp::now().into()
    }

    /// From milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Before the year -9999 or after 9999.
    pub fn from_millis(millis: i64) -> Result<Self, DateTimeError> {
        Timestamp::from_millisecond(millis).map(Self).map_err(DateTimeError)
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }
}

/// Leaves out what is below the millisecond.
impl From<Timestamp> for DateTime {
    fn from(time: Timestamp) -> Self {
        // Towards the past, also before 1970, so that order is kept.
        let below = time.as_nanosecond().rem_euclid(1_000_000);
        Self(Timestamp::from_nanosecond(time.as_nanosecond() - below).unwrap_or(time))
    }
}

impl From<DateTime> for Timestamp {
    fn from(time: DateTime) -> Self {
        time.0
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        text.parse::<Timestamp>().map(Self::from).map_err(DateTimeError)
    }
}

/// Not a moment that a [`DateTime`] can hold.
#[derive(Debug, thiserror::Error)]
#[error("not a moment as of RFC 3339")]
pub struct DateTimeError(#[source] jiff::Error);

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DateTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time as of RFC 3339")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<DateTime, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<DateTime, D::Error> {
                inner.deserialize_str(self)
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_has_three_digits_and_sorts_by_time() {
        let texts = ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2026-11-21T09:30:00.120Z"];
        for text in texts {
            let time: DateTime = text.parse().expect("a time");
            assert_eq!(time.to_string(), text);
            let json = serde_json::to_string(&time).expect("text");
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<DateTime>(&json).expect("a time"), time);
        }
    }

    #[test]
    fn what_is_below_the_millisecond_is_left_out_towards_the_past() {
        for (text, millis) in [("1970-01-01T00:00:00.0019999Z", 1), ("1969-12-31T23:59:59.9999Z", -1)] {
            let time: Timestamp = text.parse().expect("a time");
            assert_eq!(DateTime::from(time).as_millis(), millis);
        }
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert!(Timestamp::from(DateTime::from(end)) <= end);
        }
        assert!(DateTime::from_millis(i64::MAX).is_err());
    }

    #[test]
    fn a_text_that_is_no_time_is_named() {
        let error = serde_json::from_str::<DateTime>("\"soon\"").expect_err("no time");
        assert!(error.to_string().contains("soon"), "{error}");
    }
}
