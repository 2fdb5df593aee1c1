use order_events::{Cents, OrderLine};
use serde::{Deserialize, Serialize};

/// What is ordered: at least one line, and a total that can be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<OrderLine>", into = "Vec<OrderLine>")]
pub struct Lines {
    lines: Vec<OrderLine>,
    total: Cents,
}

impl Lines {
    /// The price of all lines together.
    #[must_use]
    pub const fn total(&self) -> Cents {
        self.total
    }
}

impl TryFrom<Vec<OrderLine>> for Lines {
    type Error = InvalidLines;

    fn try_from(lines: Vec<OrderLine>) -> Result<Self, InvalidLines> {
        if lines.is_empty() {
            return Err(InvalidLines::None);
        }
        let add = |total: Cents, line: &OrderLine| {
            total.checked_add(line.unit_price_cents.checked_times(line.quantity)?)
        };
        let total = lines.iter().try_fold(Cents::default(), add).ok_or(InvalidLines::TotalOverflows)?;
        Ok(Self { lines, total })
    }
}

impl From<Lines> for Vec<OrderLine> {
    fn from(lines: Lines) -> Self {
        lines.lines
    }
}

/// Why some lines are no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLines {
    /// There are none.
    #[error("an order has at least one line")]
    None,
    /// Nobody can pay that.
    #[error("the total is more than {} cents", i64::MAX)]
    TotalOverflows,
}

/// Why an order is cancelled: 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// Most characters.
    pub const MAX: usize = 500;
}

impl TryFrom<String> for Reason {
    type Error = InvalidReason;

    fn try_from(text: String) -> Result<Self, InvalidReason> {
        let length = text.chars().count();
        if (1..=Self::MAX).contains(&length) { Ok(Self(text)) } else { Err(InvalidReason { length }) }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// A text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to {} characters, not {length}", Reason::MAX)]
#[non_exhaustive]
pub struct InvalidReason {
    /// How long it is, in characters.
    pub length: usize,
}
