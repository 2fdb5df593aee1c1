use std::{
    num::ParseIntError,
    ops::{AddAssign, SubAssign},
};

use order_events::Cents;
use serde::{Deserialize, Serialize};

/// A sum of amounts that can't overflow: each order has its limit, a customer's orders together have none. As JSON it
/// is text, as many readers of JSON lose digits of so large a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sum(i128);

impl Sum {
    /// The number of cents.
    #[must_use]
    pub const fn cents(self) -> i128 {
        self.0
    }
}

impl AddAssign<Cents> for Sum {
    fn add_assign(&mut self, amount: Cents) {
        self.0 += i128::from(amount.get());
    }
}

impl SubAssign<Cents> for Sum {
    fn sub_assign(&mut self, amount: Cents) {
        self.0 -= i128::from(amount.get());
    }
}

impl TryFrom<String> for Sum {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.0.to_string()
    }
}
