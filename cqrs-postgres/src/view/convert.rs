use std::str;

use cqrs_core::envelope::Json;
use jiff::Timestamp;
use sqlx::{
    Postgres,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, types::Oid},
    types::Type,
};

use crate::database::Column as _;

/// A text for a column of type `jsonb`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jsonb<'a>(pub(super) &'a Json);

/// The version of `jsonb`'s form on the wire: text.
const JSONB_VERSION: u8 = 1;

impl Type<Postgres> for Jsonb<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3802))
    }
}

impl PgHasArrayType for Jsonb<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3807))
    }
}

impl Encode<'_, Postgres> for Jsonb<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.push(JSONB_VERSION);
        buffer.extend_from_slice(self.0.as_str().as_bytes());
        Ok(IsNull::No)
    }
}

/// Reads a column of type `jsonb`.
pub(super) fn json(row: &PgRow, column: usize) -> sqlx::Result<Option<Json>> {
    let Some(bytes) = row.bytes(column)? else { return Ok(None) };
    let wrong = |error: BoxDynError| sqlx::Error::ColumnDecode { index: column.to_string(), source: error };
    let Some((&JSONB_VERSION, text)) = bytes.split_first() else {
        return Err(wrong("jsonb of a version that is not known".into()));
    };
    str::from_utf8(text).map(|text| Some(Json::from_store(text))).map_err(|error| wrong(error.into()))
}

/// A time, in whole microseconds; what is finer is cut off, so that a time is never too late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Moment {
    fn micros(self) -> i64 {
        let micros = self.0.as_microsecond();
        if self.0.subsec_nanosecond() % 1_000 < 0 { micros - 1 } else { micros }
    }
}

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&(self.micros() - crate::database::Y2K).to_be_bytes());
        Ok(IsNull::No)
    }
}

/// `text` holds no U+0000: it is written `\0`, and so `\` is written `\\`.
pub(super) fn escaped(text: &str) -> String {
    if !text.contains(['\0', '\\']) {
        return text.to_owned();
    }
    text.replace('\\', "\\\\").replace('\0', "\\0")
}

/// What was [escaped].
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' if letters.next() == Some('0') => '\0',
            other => other,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_the_microsecond_before() {
        for (nanos, expected) in [(1_999, 1), (1_000, 1), (0, 0), (-1, -1), (-1_000, -1), (-1_001, -2)] {
            let time = Moment(Timestamp::from_nanosecond(nanos).expect("near 1970"));
            assert_eq!(time.micros(), expected, "{nanos}");
        }
    }

    #[test]
    fn any_text_can_be_escaped_and_read_again() {
        for text in ["", "plain", "\0", "\\", "\\0", "a\0\\\\0b\0", "\\\0", "ü\\"] {
            let escaped = escaped(text);
            assert!(!escaped.contains('\0'), "{escaped:?}");
            assert_eq!(unescaped(&escaped), text);
        }
    }
}
