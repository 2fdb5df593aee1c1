mod broken;
mod contract;
mod faults;

use cqrs_core::store::ViewStore;
use cqrs_testkit::conformance::Stores;

pub(crate) use broken::{Broken, Faults, Listing, Putting, Sound};
pub(crate) use faults::{breaking, unbroken};

/// Stores that panic where a rule writes what no store has to expect.
pub(crate) fn strict(sound: &Stores<dyn ViewStore>) -> Stores<dyn ViewStore> {
    faults::over(sound, || {
        let strict = contract::strict();
        move || strict.clone()
    })
}
