use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Value, date_time, key::KeySerializer};

type Result<T> = std::result::Result<T, serde_json::Error>;

/// The name that `serde_json` gives to text that is JSON already.
const RAW: &str = "$serde_json::private::RawValue";

/// Makes a [`Value`] in the shapes of JSON.
pub(super) struct ValueSerializer;

fn named(variant: &'static str, value: Value) -> Value {
    Value::Map(vec![(variant.to_owned(), value)])
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = serde_json::Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    fn serialize_bool(self, value: bool) -> Result<Value> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Value> {
        Ok(Value::Int(value))
    }

    fn serialize_i128(self, value: i128) -> Result<Value> {
        i64::try_from(value)
            .map(Value::Int)
            .or_else(|_| u64::try_from(value).map(Value::UInt))
            .map_err(|_| beyond(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Value> {
        Ok(i64::try_from(value).map_or(Value::UInt(value), Value::Int))
    }

    fn serialize_u128(self, value: u128) -> Result<Value> {
        u64::try_from(value).map_err(|_| beyond(value)).and_then(|value| self.serialize_u64(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value> {
        Ok(Value::real(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Value> {
        Ok(Value::real(value))
    }

    fn serialize_char(self, value: char) -> Result<Value> {
        Ok(Value::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value> {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value> {
        Ok(Value::List(value.iter().map(|byte| Value::Int((*byte).into())).collect()))
    }

    fn serialize_none(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value> {
        Ok(Value::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Value> {
        let value = value.serialize(self)?;
        match &value {
            Value::Text(text) if name == date_time::NAME => {
                text.parse().map(Value::Time).map_err(serde_json::Error::custom)
            }
            _ => Ok(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value> {
        Ok(named(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List> {
        Ok(List { variant: None, values: Vec::with_capacity(length.unwrap_or_default()) })
    }

    fn serialize_tuple(self, length: usize) -> Result<List> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<List> {
        Ok(List { variant: Some(variant), values: Vec::with_capacity(length) })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Map> {
        Ok(Map { fields: Vec::with_capacity(length.unwrap_or_default()), ..Map::default() })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Map> {
        Ok(Map { raw: name == RAW, fields: Vec::with_capacity(length), ..Map::default() })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Map> {
        Ok(Map { variant: Some(variant), fields: Vec::with_capacity(length), ..Map::default() })
    }
}

fn beyond(value: impl std::fmt::Display) -> serde_json::Error {
    serde_json::Error::custom(format!("the number {value} is beyond 64 bits"))
}

pub(super) struct List {
    variant: Option<&'static str>,
    values: Vec<Value>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.values.push(value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn done(self) -> Value {
        let list = Value::List(self.values);
        match self.variant {
            Some(variant) => named(variant, list),
            None => list,
        }
    }
}

macro_rules! list {
    ($($of:ident by $method:ident),*) => {$(
        impl $of for List {
            type Ok = Value;
            type Error = serde_json::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.push(value)
            }

            fn end(self) -> Result<Value> {
                Ok(self.done())
            }
        }
    )*};
}

list!(
    SerializeSeq by serialize_element,
    SerializeTuple by serialize_element,
    SerializeTupleStruct by serialize_field,
    SerializeTupleVariant by serialize_field
);

#[derive(Default)]
pub(super) struct Map {
    variant: Option<&'static str>,
    /// Its only field is JSON text.
    raw: bool,
    key: Option<String>,
    fields: Vec<(String, Value)>,
}

impl Map {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.put(name.to_owned(), value.serialize(ValueSerializer)?);
        Ok(())
    }

    /// A name that comes twice, as from a flattened map, has the last value, as in a reader of JSON.
    fn put(&mut self, name: String, value: Value) {
        match self.fields.iter_mut().find(|(field, _)| *field == name) {
            Some((_, field)) => *field = value,
            None => self.fields.push((name, value)),
        }
    }

    fn done(mut self) -> Result<Value> {
        if let (true, Some((_, Value::Text(text)))) = (self.raw, self.fields.first()) {
            return serde_json::from_str::<serde_json::Value>(text).map(Value::from);
        }
        if let Some(key) = self.key.take() {
            return Err(serde_json::Error::custom(format!("the map has no value for its key {key:?}")));
        }
        let map = Value::Map(self.fields);
        Ok(match self.variant {
            Some(variant) => named(variant, map),
            None => map,
        })
    }
}

impl SerializeMap for Map {
    type Ok = Value;
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(key.serialize(KeySerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| serde_json::Error::custom("a map's value has no key"))?;
        self.put(key, value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn end(self) -> Result<Value> {
        self.done()
    }
}

macro_rules! map {
    ($($of:ident),*) => {$(
        impl $of for Map {
            type Ok = Value;
            type Error = serde_json::Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
                self.field(name, value)
            }

            fn end(self) -> Result<Value> {
                self.done()
            }
        }
    )*};
}

map!(SerializeStruct, SerializeStructVariant);

/// What can't come up: a key has no parts.
pub(super) type NoParts = Impossible<String, serde_json::Error>;
