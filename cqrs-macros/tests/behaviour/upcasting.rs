use std::error::Error as _;

use cqrs_core::{
    domain::{DecodeError, Event as _, Payload, SchemaVersion},
    envelope::Json,
    prelude::*,
};

#[derive(Id)]
struct SensorId(u16);

/// Once a number in text.
#[derive(Deserialize)]
struct MeasuredV1 {
    degrees: String,
}

#[derive(Deserialize)]
struct MeasuredV2 {
    degrees: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Measured {
    kelvin: i32,
}

impl TryFrom<MeasuredV1> for MeasuredV2 {
    type Error = std::num::ParseIntError;

    fn try_from(old: MeasuredV1) -> Result<Self, Self::Error> {
        Ok(Self { degrees: old.degrees.parse()? })
    }
}

impl From<MeasuredV2> for Measured {
    fn from(old: MeasuredV2) -> Self {
        Self { kelvin: old.degrees + 273 }
    }
}

/// Its older schema differs in no more than a field that may be missing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Moved {
    #[serde(default)]
    to: String,
}

#[derive(Event, Debug, PartialEq)]
#[event(stream = "sensor", id = SensorId)]
enum SensorEvent {
    #[event(version = 3, from(1 = MeasuredV1, 2 = MeasuredV2))]
    Measured(Measured),
    #[event(version = 2, from(1 = Moved))]
    Moved(Moved),
}

fn decode(name: &str, version: u32, data: &str) -> Result<SensorEvent, DecodeError> {
    let data = Json::from_text(data.to_owned()).unwrap();
    SensorEvent::decode(name, SchemaVersion::new(version).unwrap(), &data)
}

#[test]
fn each_older_version_goes_through_all_that_follow() {
    for (version, data) in [(1, r#"{"degrees":"7"}"#), (2, r#"{"degrees":7}"#), (3, r#"{"kelvin":280}"#)] {
        let event = decode("measured", version, data).unwrap();
        assert_eq!(event, SensorEvent::Measured(Measured { kelvin: 280 }), "version {version}");
    }
    assert_eq!(decode("moved", 1, "{}").unwrap(), SensorEvent::Moved(Moved { to: String::new() }));
}

#[test]
fn a_conversion_that_fails_is_named_with_its_version_and_cause() {
    let error = decode("measured", 1, r#"{"degrees":"warm"}"#).unwrap_err();
    let DecodeError::Upcast { name, version, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*name, version.get()), ("measured", 1));
    assert_eq!(error.source().unwrap().to_string(), "invalid digit found in string");
}

#[test]
fn data_that_does_not_fit_is_named_with_the_type_that_should_have_read_it() {
    for (version, type_name) in [(1, "MeasuredV1"), (2, "MeasuredV2"), (3, "Measured")] {
        let error = decode("measured", version, "[]").unwrap_err();
        let DecodeError::Data { rust_type, version: found, .. } = error else { panic!("{error:?}") };
        assert_eq!((rust_type, found.get()), (type_name, version));
    }
}

#[test]
fn a_version_or_a_name_that_nothing_reads_is_named() {
    let error = decode("measured", 4, "{}").unwrap_err();
    let DecodeError::UnknownVersion { version, oldest, newest, .. } = error else { panic!("{error:?}") };
    assert_eq!((version.get(), oldest.get(), newest.get()), (4, 1, 3));
    let error = decode("frozen", 1, "{}").unwrap_err();
    let DecodeError::UnknownName { name, known, .. } = error else { panic!("{error:?}") };
    assert_eq!((name.as_str(), known), ("frozen", vec!["measured", "moved"]));
}

#[test]
fn new_events_are_written_in_the_newest_version() {
    assert_eq!(Measured::TYPE.version.get(), 3);
    assert_eq!(Measured { kelvin: 280 }.encode().unwrap().as_str(), r#"{"kelvin":280}"#);
    assert_eq!(SensorEvent::from(Moved { to: String::new() }).event_type().name, "moved");
}
