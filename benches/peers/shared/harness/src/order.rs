use std::fmt;

use serde::{Deserialize, Serialize};

/// How many commands an order gets before the next one is started.
pub const COMMANDS: u32 = 6;

/// What each event holds: about 200 bytes as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bitcode", derive(bitcode::Encode, bitcode::Decode))]
pub struct Line {
    /// Which of its order's events this is, from 0.
    pub number: u32,
    pub customer: String,
    pub sku: String,
    pub quantity: u32,
    pub unit_price_cents: i64,
    pub note: String,
}

impl Line {
    pub fn sample(number: u32) -> Self {
        Self {
            number,
            customer: format!("customer-{:04}", number % 1_000),
            sku: format!("sku-{:06}", number % 10_000),
            quantity: 1 + number % 9,
            unit_price_cents: 1_999,
            note: "please leave the parcel with the neighbours at number seventeen, second floor".to_owned(),
        }
    }

    pub fn cents(&self) -> i64 {
        i64::from(self.quantity) * self.unit_price_cents
    }
}

/// What an order knows of its lines, and the least that a document about it shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bitcode", derive(bitcode::Encode, bitcode::Decode))]
pub struct Totals {
    pub lines: u32,
    pub cents: i64,
}

impl Totals {
    pub fn add(&mut self, line: &Line) {
        self.lines += 1;
        self.cents += line.cents();
    }

    /// The rule of the domain: lines come in order. A load that misses an event does not go unnoticed.
    pub fn expect(&self, number: u32) -> Result<(), OutOfOrder> {
        if self.lines == number { Ok(()) } else { Err(OutOfOrder { expected: self.lines, number }) }
    }
}

/// A line that is not the next one of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder {
    pub expected: u32,
    pub number: u32,
}

impl fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, number } = self;
        write!(f, "line {number} came where line {expected} was expected")
    }
}

impl std::error::Error for OutOfOrder {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_about_two_hundred_bytes_of_json() {
        let length = serde_json::to_string(&Line::sample(5)).expect("a line is plain data").len();
        assert!((180..=220).contains(&length), "{length} bytes");
    }

    #[test]
    fn a_line_out_of_order_is_refused() {
        let mut totals = Totals::default();
        totals.add(&Line::sample(0));
        assert_eq!(totals.expect(1), Ok(()));
        assert_eq!(totals.expect(2), Err(OutOfOrder { expected: 1, number: 2 }));
    }
}
