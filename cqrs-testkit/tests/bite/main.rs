//! Each rule bites: a store that breaks it, and is sound otherwise, fails it, whatever database the sound one is on.
#![allow(clippy::unwrap_used)]

mod check;
mod event_store;
mod hook;
mod memory;
mod mongo;
mod postgres;
mod snapshot_store;
mod sqlite;
mod view_store;

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
