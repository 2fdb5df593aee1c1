//! How indexed values are stored: as bytes that sort as the values do.
//!
//! A column may hold values of several kinds, and look-ups sort them by kind first: null, numbers, text, booleans,
//! moments. The first byte is the kind; PostgreSQL compares `bytea` byte by byte, so that one B-tree serves filters,
//! ranges, order and pages alike. See `docs/adr/0015-views-on-postgresql.md`.

use cqrs_core::domain::IndexValue;

const NULL: u8 = 0x00;
const NUMBER: u8 = 0x10;
const TEXT: u8 = 0x20;
const BOOL: u8 = 0x30;
const TIME: u8 = 0x40;

/// The longest text that can be indexed, in bytes: a row of a B-tree holds up to 2,704, and the document's key has to
/// go in as well.
pub(super) const MAX_TEXT: usize = 1_536;

const fn kind(value: &IndexValue) -> u8 {
    match value {
        IndexValue::Null => NULL,
        IndexValue::Int(_) | IndexValue::Real(_) => NUMBER,
        IndexValue::Text(_) => TEXT,
        IndexValue::Bool(_) => BOOL,
        IndexValue::Time(_) => TIME,
    }
}

/// The bytes of a value.
pub(super) fn stored(value: &IndexValue) -> Vec<u8> {
    let mut bytes = vec![kind(value)];
    match value {
        IndexValue::Null => {}
        IndexValue::Int(value) => bytes.extend(whole(*value)),
        IndexValue::Real(value) => bytes.extend(number(*value, 0)),
        IndexValue::Text(text) => bytes.extend_from_slice(text.as_bytes()),
        IndexValue::Bool(value) => bytes.push(u8::from(*value)),
        // Flipping the sign lets moments before 1970 come first.
        IndexValue::Time(time) => bytes.extend((time.as_millis() ^ i64::MIN).to_be_bytes()),
    }
    bytes
}

/// What is before all values of the kind of this one.
pub(super) fn first_of_kind(value: &IndexValue) -> Vec<u8> {
    vec![kind(value)]
}

/// What is beyond all values of the kind of this one.
pub(super) fn beyond_kind(value: &IndexValue) -> Vec<u8> {
    vec![kind(value) + 1]
}

/// Two values can be bounds of one range.
pub(super) const fn are_of_one_kind(a: &IndexValue, b: &IndexValue) -> bool {
    kind(a) == kind(b)
}

/// A whole number as the greatest `f64` that is not beyond it, and what is missing: so it compares exactly with other
/// whole numbers and with real ones, which miss nothing.
fn whole(value: i64) -> [u8; 10] {
    #[expect(clippy::cast_precision_loss, reason = "what is lost is added below")]
    let mut real = value as f64;
    if exactly(real) > i128::from(value) {
        real = real.next_down();
    }
    let missing = i128::from(value) - exactly(real);
    number(real, u16::try_from(missing).expect("neighbours near 2^63 are 1,024 apart"))
}

/// A whole `f64` of the size of an `i64`.
const fn exactly(real: f64) -> i128 {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small")]
    let whole = real as i128;
    whole
}

/// What is no number comes first.
fn number(real: f64, missing: u16) -> [u8; 10] {
    const SIGN: u64 = 1 << 63;
    // Adding zero makes a negative zero positive.
    let bits = (real + 0.0).to_bits();
    let sorted = match (real.is_nan(), bits & SIGN == 0) {
        (true, _) => 0,
        (false, true) => bits | SIGN,
        (false, false) => !bits,
    };
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&sorted.to_be_bytes());
    bytes[8..].copy_from_slice(&missing.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use cqrs_core::{
        document::DateTime,
        domain::IndexSpec,
        envelope::{Json, LogId, Position},
        memory::MemoryViewStore,
        store::{
            Change, Checkpoint, Commit, Direction, DocumentWrite, Find, OrderBy, ProjectionId,
            ProjectionSpec, Standing, ViewStore as _,
        },
    };
    use jiff::Timestamp;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// Near the bounds of exactness, where mistakes are made.
    fn any_int() -> impl Strategy<Value = i64> {
        let near = |centre: i64| (-2_100..2_100_i64).prop_map(move |off| centre.saturating_add(off));
        prop_oneof![
            any::<i64>(),
            -3..3_i64,
            near(1 << 53),
            near(-(1 << 53)),
            near(1 << 62),
            near(i64::MAX),
            near(i64::MIN)
        ]
    }

    fn any_value() -> impl Strategy<Value = IndexValue> {
        #[expect(clippy::cast_precision_loss, reason = "any number does")]
        let real = prop_oneof![
            any::<f64>(),
            any_int().prop_map(|int| int as f64),
            any_int().prop_map(|int| (int as f64).next_up()),
            any_int().prop_map(|int| (int as f64).next_down()),
            Just(f64::NAN),
            Just(-0.0)
        ];
        prop_oneof![
            1 => Just(IndexValue::Null),
            6 => any_int().prop_map(IndexValue::Int),
            6 => real.prop_map(IndexValue::Real),
            3 => "[a-c\0é]{0,3}".prop_map(IndexValue::Text),
            1 => any::<bool>().prop_map(IndexValue::Bool),
            2 => (-3_000_000_000_000..3_000_000_000_000_i64)
                .prop_map(|millis| IndexValue::Time(DateTime::from_millis(millis).expect("in range"))),
        ]
    }

    /// The documents with these values, numbered, as the in-memory store sorts them.
    async fn sorted_in_memory(values: &[IndexValue]) -> Vec<String> {
        let store = MemoryViewStore::new();
        let id = ProjectionId::new("values", 1);
        let spec = ProjectionSpec { id, indexes: vec![IndexSpec::new("value")], fingerprint: 0 };
        store.prepare(&spec).await.expect("prepared");
        let write = |(nth, value): (usize, &IndexValue)| DocumentWrite {
            key: format!("{nth:03}"),
            created: Position::new(1),
            applied: Position::new(1),
            change: Change::Put {
                data: Json::of(&0).expect("a number").into(),
                indexes: vec![value.clone()],
            },
        };
        let checkpoint = Checkpoint {
            log: LogId::from_uuid(Uuid::nil()),
            position: Position::new(1),
            last: None,
            diverged: false,
            head: Position::new(1),
            as_of: Timestamp::UNIX_EPOCH,
            parked: 0,
            fence: 0,
            standing: Standing::Live,
            partitions: 1,
        };
        let documents = values.iter().enumerate().map(write).collect();
        let commit = Commit { documents, ..Commit::of(Position::ZERO, checkpoint) };
        store.commit(&spec.id, commit).await.expect("written");
        let find = Find {
            filters: Vec::new(),
            order: OrderBy::Index("value".to_owned()),
            direction: Direction::Ascending,
            after: None,
            limit: values.len(),
        };
        let found = store.find(&spec.id, &find).await.expect("found").value;
        found.into_iter().map(|document| document.key).collect()
    }

    #[test]
    fn bytes_sort_as_values_do() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        proptest!(|(values in prop::collection::vec(any_value(), 2..60))| {
            let mut sorted: Vec<(Vec<u8>, String)> =
                values.iter().enumerate().map(|(nth, value)| (stored(value), format!("{nth:03}"))).collect();
            sorted.sort();
            let sorted: Vec<String> = sorted.into_iter().map(|(_, key)| key).collect();
            prop_assert_eq!(sorted, runtime.block_on(sorted_in_memory(&values)));
        });
    }

    #[test]
    fn all_values_are_within_their_kind() {
        proptest!(|(a in any_value(), b in any_value())| {
            let within = first_of_kind(&a) <= stored(&b) && stored(&b) < beyond_kind(&a);
            prop_assert_eq!(within, are_of_one_kind(&a, &b));
        });
    }
}
