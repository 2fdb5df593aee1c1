use std::{fmt, str::FromStr};

/// One of the parts into which the documents of a build are divided by their keys, so that several applications can
/// keep it up to date, each its own partitions.
///
/// The partitions of a build share its documents. Each has a checkpoint, a fencing number and dead letters of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    // Compared first, so that the whole comes before its parts.
    of: u16,
    index: u16,
}

impl Partition {
    /// All documents.
    pub const WHOLE: Self = Self { of: 1, index: 0 };

    /// The most partitions that a build can have.
    pub const MOST: u16 = 1_024;

    /// The partition at `index`, from 0, of so many; `None` where there is none.
    pub const fn new(index: u16, of: u16) -> Option<Self> {
        if index < of && of <= Self::MOST { Some(Self { of, index }) } else { None }
    }

    /// The partition of a document's key, where there are so many.
    pub fn of_key(key: &str, of: u16) -> Self {
        let of = of.clamp(1, Self::MOST);
        let index = u16::try_from(spread(key) % u64::from(of)).unwrap_or(0);
        Self { of, index }
    }

    /// All partitions, where there are so many.
    pub fn all(of: u16) -> impl Iterator<Item = Self> {
        let of = of.clamp(1, Self::MOST);
        (0..of).map(move |index| Self { of, index })
    }

    /// Counts from 0.
    pub const fn index(self) -> u16 {
        self.index
    }

    /// How many there are.
    pub const fn of(self) -> u16 {
        self.of
    }

    /// There is no other one.
    pub const fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Whether the document of this key is in it.
    pub fn has(self, key: &str) -> bool {
        Self::of_key(key, self.of) == self
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// A key's hash: FNV-1a of 64 bits, and the finalizer of `MurmurHash3`, which spreads it over all bits. Stored checkpoints
/// rest on it, so that it must never change.
fn spread(key: &str) -> u64 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash: u64 = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// As stores keep it: `5/64` is the sixth of 64.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        parts
            .and_then(|(index, of)| Self::new(index, of))
            .ok_or_else(|| format!("{text:?} is no partition such as \"5/64\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_in_its_partition_for_ever() {
        let of = |key| Partition::of_key(key, 64).index();
        assert_eq!(["", "a", "order-1", "0191c1b2-0000-7000-8000-000000000001"].map(of), [38, 27, 37, 56]);
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0_u32; 64];
        for nth in 0..64_000 {
            counts[usize::from(Partition::of_key(&format!("order-{nth}"), 64).index())] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn there_is_a_text_for_each_and_no_other() {
        for partition in [Partition::WHOLE, Partition::new(5, 64).expect("there is one")] {
            assert_eq!(partition.to_string().parse(), Ok(partition));
        }
        assert_eq!(Partition::new(0, 1), Some(Partition::WHOLE));
        for text in ["", "5", "64/64", "0/0", "0/2000", "a/b", "-1/4"] {
            text.parse::<Partition>().expect_err(text);
        }
    }
}
