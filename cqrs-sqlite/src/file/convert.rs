use jiff::Timestamp;
use rusqlite::{Row, types::Type};
use uuid::Uuid;

/// SQLite's integers have a sign; nothing that is stored comes near the bound.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a number that is never negative.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

/// Times are stored in whole microseconds; what is finer is cut off, so that a time is never too late.
#[cfg(feature = "views")]
pub(crate) fn micros(time: Timestamp) -> i64 {
    let micros = time.as_microsecond();
    if time.subsec_nanosecond() % 1_000 < 0 { micros - 1 } else { micros }
}

pub(crate) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| wrong(column, Type::Integer, error))
}

/// A stored value is none that the store has written.
pub(crate) fn wrong(
    column: usize,
    stored: Type,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, stored, error.into())
}

#[cfg(all(test, feature = "views"))]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_the_microsecond_before() {
        for (nanos, expected) in [(1_999, 1), (1_000, 1), (0, 0), (-1, -1), (-1_000, -1), (-1_001, -2)] {
            assert_eq!(micros(Timestamp::from_nanosecond(nanos).expect("near 1970")), expected, "{nanos}");
        }
    }
}
