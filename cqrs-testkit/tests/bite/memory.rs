//! Over stores in memory.

use std::future::ready;

use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};
use cqrs_testkit::conformance::{Stores, view_store::RULES};

use crate::{
    check::{self, Time, event_store_bites, view_store_bites},
    view_store::strict,
};

struct Memory;

impl Memory {
    fn events(&self) -> Stores<dyn EventStore> {
        let Self = self;
        Stores::<dyn EventStore>::new(|| {
            let data = MemoryEventStore::new();
            move || ready(data.clone())
        })
    }

    fn views(&self) -> Stores<dyn ViewStore> {
        let Self = self;
        Stores::<dyn ViewStore>::new(|| {
            let data = MemoryViewStore::new();
            move || ready(data.clone())
        })
    }
}

event_store_bites!(Time::Paused, Memory);
view_store_bites!(Time::Paused, Memory);

#[test]
fn the_rules_keep_to_what_a_view_store_is_promised() {
    check::every_rule_holds(Time::Paused, RULES, || strict(&Memory.views()));
}
