use jiff::Timestamp;
use mongodb::bson;

/// BSON's integers have a sign; nothing that is stored comes near the bound.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative; `None` where it is.
pub(crate) fn number(value: bson::RawBsonRef<'_>) -> Option<u64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from)).and_then(|value| u64::try_from(value).ok())
}

/// A date, and the microseconds beyond it, as dates end at the millisecond. What is finer is cut off, so that a time is
/// never too late.
pub(crate) fn moment_of(time: Timestamp) -> (bson::DateTime, i64) {
    let micros = i64::try_from(time.as_nanosecond().div_euclid(1_000)).expect("a timestamp is in range");
    (bson::DateTime::from_millis(micros.div_euclid(1_000)), micros.rem_euclid(1_000))
}

/// What [`moment_of`] has taken apart; `None` where it can't have.
pub(crate) fn micros_of(date: bson::DateTime, micros: i64) -> Option<Timestamp> {
    let micros = date.timestamp_millis().checked_mul(1_000)?.checked_add(micros)?;
    Timestamp::from_microsecond(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_microseconds_also_before_1970() {
        for micros in [0, 1, -1, 999, 1_000, -1_000, -1_001, 1_763_717_400_123_456] {
            let time = Timestamp::from_microsecond(micros).expect("in range");
            let (date, rest) = moment_of(time);
            assert!((0..1_000).contains(&rest), "{micros} has {rest}");
            assert_eq!(micros_of(date, rest), Some(time));
        }
        let finer = Timestamp::from_nanosecond(-1).expect("in range");
        let (date, rest) = moment_of(finer);
        assert_eq!(micros_of(date, rest), Timestamp::from_microsecond(-1).ok(), "towards the past");
        for end in [Timestamp::MIN, Timestamp::MAX] {
            let (date, rest) = moment_of(end);
            assert!(micros_of(date, rest).is_none_or(|time| time <= end));
        }
        assert_eq!(micros_of(bson::DateTime::MAX, 0), None);
    }
}
