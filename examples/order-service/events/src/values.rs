use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::Sku;

/// An amount of money, 0 or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Cents(i64);

impl Cents {
    /// The number of cents.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum of two amounts; `None` where it is beyond what can be counted.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The price of that many; `None` where it is beyond what can be counted.
    pub fn checked_times(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_mul(quantity.get().into()).map(Self)
    }
}

impl TryFrom<i64> for Cents {
    type Error = NegativeMoney;

    fn try_from(cents: i64) -> Result<Self, NegativeMoney> {
        if cents < 0 { Err(NegativeMoney { cents }) } else { Ok(Self(cents)) }
    }
}

impl From<Cents> for i64 {
    fn from(cents: Cents) -> Self {
        cents.0
    }
}

/// An amount of money is below 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cents} cents are no amount of money here: it is 0 or more")]
#[non_exhaustive]
pub struct NegativeMoney {
    /// The amount.
    pub cents: i64,
}

/// How many pieces of one article, 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(NonZeroU32);

impl Quantity {
    /// The number of pieces.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for Quantity {
    type Error = NoQuantity;

    fn try_from(pieces: u32) -> Result<Self, NoQuantity> {
        NonZeroU32::new(pieces).map(Self).ok_or(NoQuantity(()))
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.get()
    }
}

/// Nothing at all was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("0 is no quantity: it is 1 or more")]
pub struct NoQuantity(());

/// Some pieces of one article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The article.
    pub sku: Sku,
    /// How many of it.
    pub quantity: Quantity,
    /// The price of one.
    pub unit_price_cents: Cents,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for confirmation.
    Placed,
    /// It will be delivered.
    Confirmed,
    /// It will not.
    Cancelled,
}
