use std::cmp::Ordering;

use crate::{domain::IndexValue, store::Comparison};

/// An indexed value in the order of [`OrderBy::Index`](crate::store::OrderBy::Index).
#[derive(Clone, Debug)]
pub(super) struct Ordered(pub(super) IndexValue);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        use IndexValue::{Bool, Int, Real, Text, Time};
        match (&self.0, &other.0) {
            (Bool(a), Bool(b)) => a.cmp(b),
            (Text(a), Text(b)) => a.cmp(b),
            (Time(a), Time(b)) => a.cmp(b),
            (Int(a), Int(b)) => a.cmp(b),
            (Real(a), Real(b)) => reals(*a, *b),
            (Int(a), Real(b)) => int_to_real(*a, *b),
            (Real(a), Int(b)) => int_to_real(*b, *a).reverse(),
            (a, b) => kind(a).cmp(&kind(b)),
        }
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

const fn kind(value: &IndexValue) -> u8 {
    match value {
        IndexValue::Null => 0,
        IndexValue::Int(_) | IndexValue::Real(_) => 1,
        IndexValue::Text(_) => 2,
        IndexValue::Bool(_) => 3,
        IndexValue::Time(_) => 4,
    }
}

/// What is no number comes before all numbers.
fn reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Exact, also where an integer has no `f64` of its own.
fn int_to_real(int: i64, real: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real.is_nan() || real < -BEYOND {
        Ordering::Greater
    } else if real >= BEYOND {
        Ordering::Less
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "it is in range, and the rest is compared below")]
        let whole = real.trunc() as i64;
        int.cmp(&whole).then_with(|| reals(0.0, real.fract()))
    }
}

/// Whether a comparison holds for a value.
pub(super) fn holds(comparison: &Comparison, value: &Ordered) -> bool {
    let compare =
        |bound: &IndexValue| (kind(bound) == kind(&value.0)).then(|| value.cmp(&Ordered(bound.clone())));
    match comparison {
        Comparison::OneOf(values) => values.iter().any(|one| compare(one).is_some_and(Ordering::is_eq)),
        Comparison::Within { from, to } => {
            from.as_ref().is_none_or(|from| compare(from).is_some_and(Ordering::is_ge))
                && to.as_ref().is_none_or(|to| compare(to).is_some_and(Ordering::is_lt))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_are_one_exact_order() {
        use IndexValue::{Bool, Int, Null, Real, Text, Time};

        use crate::document::DateTime;
        let sorted = [
            Null,
            Real(f64::NEG_INFINITY),
            Int(i64::MIN),
            Real(-1.5),
            Int(-1),
            Real(-0.5),
            Int(0),
            Real(0.5),
            Int(1),
            Real(9_007_199_254_740_992.0),
            Int(9_007_199_254_740_993),
            Int(i64::MAX),
            Real(9_223_372_036_854_775_808.0),
            Text(String::new()),
            Text("a".to_owned()),
            Bool(false),
            Bool(true),
            Time(DateTime::from_millis(-1).expect("in range")),
            Time(DateTime::from_millis(0).expect("in range")),
        ];
        for (at, a) in sorted.iter().enumerate() {
            for (beside, b) in sorted.iter().enumerate() {
                let order = Ordered(a.clone()).cmp(&Ordered(b.clone()));
                assert_eq!(order, at.cmp(&beside), "{a:?} against {b:?}");
            }
        }
        assert_eq!(Ordered(Int(1)), Ordered(Real(1.0)));
        assert_eq!(Ordered(Real(0.0)), Ordered(Real(-0.0)));
    }
}
