//! Each rule bites: a store that breaks it, and is sound otherwise, fails it.
#![allow(clippy::unwrap_used)]

mod event_store;
mod hook;
mod snapshot_store;
mod view_store;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cqrs_testkit::conformance::{Rule, Stores};

/// Checks a rule where time passes only while all wait, so that waiting for what never comes takes none.
fn holds<S: ?Sized>(rule: &Rule<S>, stores: &Stores<S>) -> bool {
    let runtime = cqrs_testkit::tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(rule.check(stores)))).is_ok()
}

fn every_rule_bites<S: ?Sized>(rules: &[Rule<S>], breaking: impl Fn(&str) -> Option<Stores<S>>) {
    assert!(!rules.is_empty());
    for rule in rules {
        let broken = breaking(rule.name);
        let broken = broken.unwrap_or_else(|| panic!("no broken store shows that `{}` bites", rule.name));
        assert!(!holds(rule, &broken), "a store that breaks `{}` passes it", rule.name);
    }
}

fn every_rule_holds<S: ?Sized>(rules: &[Rule<S>], sound: impl Fn() -> Stores<S>) {
    for rule in rules {
        assert!(holds(rule, &sound()), "the store without a fault fails `{}`", rule.name);
    }
}

#[test]
fn the_readme_lists_every_rule() {
    use cqrs_testkit::conformance::{event_store, snapshot_store, view_store};
    let readme = include_str!("../../README.md");
    let names = (event_store::RULES.iter().map(|rule| rule.name))
        .chain(snapshot_store::RULES.iter().map(|rule| rule.name))
        .chain(view_store::RULES.iter().map(|rule| rule.name));
    for name in names {
        assert!(readme.contains(&format!("\n- `{name}`: ")), "the rule `{name}` is not in the README");
    }
}
