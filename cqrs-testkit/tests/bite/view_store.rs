mod broken;
mod contract;
mod faults;

use cqrs_core::store::ViewStore;
use cqrs_testkit::conformance::{Stores, view_store::RULES};

use crate::{every_rule_bites, every_rule_holds};
use broken::Broken;

#[test]
fn every_rule_of_a_view_store_bites() {
    every_rule_bites(RULES, faults::breaking);
}

#[test]
fn a_view_store_without_a_fault_keeps_every_rule() {
    every_rule_holds(RULES, || {
        Stores::<dyn ViewStore>::new(|| {
            let data = Broken::default();
            move || std::future::ready(data.clone())
        })
    });
}

#[test]
fn the_rules_keep_to_what_a_view_store_is_promised() {
    every_rule_holds(RULES, || {
        Stores::<dyn ViewStore>::new(|| {
            let data = contract::strict();
            move || std::future::ready(data.clone())
        })
    });
}
