mod broken;
mod faults;

use cqrs_core::store::EventStore;
use cqrs_testkit::conformance::{Stores, event_store::RULES};

use crate::{every_rule_bites, every_rule_holds};
pub(crate) use broken::Broken;

#[test]
fn every_rule_of_an_event_store_bites() {
    every_rule_bites(RULES, faults::breaking);
}

#[test]
fn an_event_store_without_a_fault_keeps_every_rule() {
    every_rule_holds(RULES, || {
        Stores::<dyn EventStore>::new(|| {
            let data = Broken::default();
            move || std::future::ready(data.clone())
        })
    });
}
