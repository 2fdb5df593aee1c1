use std::str;

use jiff::Timestamp;
use sqlx::{Row as _, ValueRef as _, error::BoxDynError, postgres::PgRow};
use uuid::Uuid;

/// PostgreSQL's integers have a sign; nothing that is stored comes near the bound.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(crate) fn number(value: i64) -> Result<u64, BoxDynError> {
    u64::try_from(value).map_err(|_| format!("the number {value} is negative").into())
}

/// Microseconds from 1970 to 2000, where PostgreSQL's times begin.
pub(crate) const Y2K: i64 = 946_684_800_000_000;

/// Reads columns by their place, straight from what the server has sent: rows come by the thousand.
pub(crate) trait Column {
    /// The bytes of a column; `None`: null.
    fn bytes(&self, column: usize) -> sqlx::Result<Option<&[u8]>>;

    fn fixed<const N: usize>(&self, column: usize) -> sqlx::Result<[u8; N]> {
        self.bytes(column)?
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| wrong(column, format!("is not {N} bytes long")))
    }

    fn i64(&self, column: usize) -> sqlx::Result<i64> {
        self.fixed(column).map(i64::from_be_bytes)
    }

    /// A number that is never negative.
    fn u64(&self, column: usize) -> sqlx::Result<u64> {
        number(self.i64(column)?).map_err(|error| wrong(column, error))
    }

    /// A small number that is never negative, in eight bytes.
    #[cfg(feature = "views")]
    fn u32(&self, column: usize) -> sqlx::Result<u32> {
        u32::try_from(self.i64(column)?).map_err(|error| wrong(column, error))
    }

    fn i32(&self, column: usize) -> sqlx::Result<i32> {
        self.fixed(column).map(i32::from_be_bytes)
    }

    fn uuid(&self, column: usize) -> sqlx::Result<Uuid> {
        self.fixed(column).map(Uuid::from_bytes)
    }

    fn timestamp(&self, column: usize) -> sqlx::Result<Timestamp> {
        let micros = self.i64(column)?;
        micros
            .checked_add(Y2K)
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .ok_or_else(|| wrong(column, format!("is no time: {micros}")))
    }

    fn text(&self, column: usize) -> sqlx::Result<&str> {
        self.optional_text(column)?.ok_or_else(|| wrong(column, "is null"))
    }

    fn optional_text(&self, column: usize) -> sqlx::Result<Option<&str>> {
        self.bytes(column)?.map(str::from_utf8).transpose().map_err(|error| wrong(column, error))
    }
}

impl Column for PgRow {
    fn bytes(&self, column: usize) -> sqlx::Result<Option<&[u8]>> {
        let value = self.try_get_raw(column)?;
        if value.is_null() {
            Ok(None)
        } else {
            value.as_bytes().map(Some).map_err(|error| wrong(column, error))
        }
    }
}

fn wrong(column: usize, error: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() }
}
