use serde::ser::{Error as _, Serialize, Serializer};

use super::serializer::NoParts;

type Result<T> = std::result::Result<T, serde_json::Error>;

/// Makes text of a map's key, as `serde_json` does.
pub(super) struct KeySerializer;

fn refused<T>() -> Result<T> {
    Err(serde_json::Error::custom("a map's key must be text, a number or a boolean"))
}

macro_rules! displayed {
    ($($method:ident($ty:ty)),*) => {$(
        fn $method(self, value: $ty) -> Result<String> {
            Ok(value.to_string())
        }
    )*};
}

impl Serializer for KeySerializer {
    type Ok = String;
    type Error = serde_json::Error;
    type SerializeSeq = NoParts;
    type SerializeTuple = NoParts;
    type SerializeTupleStruct = NoParts;
    type SerializeTupleVariant = NoParts;
    type SerializeMap = NoParts;
    type SerializeStruct = NoParts;
    type SerializeStructVariant = NoParts;

    displayed!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char),
        serialize_str(&str)
    );

    fn serialize_f32(self, value: f32) -> Result<String> {
        if value.is_finite() { serde_json::to_string(&value) } else { refused() }
    }

    fn serialize_f64(self, value: f64) -> Result<String> {
        if value.is_finite() { serde_json::to_string(&value) } else { refused() }
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String> {
        Ok(variant.to_owned())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String> {
        refused()
    }

    fn serialize_none(self) -> Result<String> {
        refused()
    }

    fn serialize_unit(self) -> Result<String> {
        refused()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String> {
        refused()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String> {
        refused()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<NoParts> {
        refused()
    }

    fn serialize_tuple(self, _: usize) -> Result<NoParts> {
        refused()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<NoParts> {
        refused()
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<NoParts> {
        refused()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<NoParts> {
        refused()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<NoParts> {
        refused()
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<NoParts> {
        refused()
    }
}
