//! Chance that can be had again.

use std::env;

/// Chooses the chances of every test that has some.
const VARIABLE: &str = "E2E_SEED";

/// A seed, which is told, so that a run that failed can be repeated as far as chance goes.
pub(crate) fn seed() -> u64 {
    let seed = match env::var(VARIABLE) {
        Ok(seed) => seed.parse().unwrap_or_else(|error| panic!("{VARIABLE}={seed}: {error}")),
        Err(_) => fastrand::u64(..),
    };
    println!("{VARIABLE}={seed}");
    seed
}
