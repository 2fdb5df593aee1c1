//! What `cargo cqrs add` adds: it compiles without a warning, and its tests pass.

use crate::{project::Project, shell};

fn add(project: &Project, line: &str) {
    let arguments: Vec<_> = ["add"].into_iter().chain(line.split(' ')).collect();
    shell::run(&mut shell::cqrs(&arguments, &project.path()));
}

/// Adds one of each, and what is made of it, too.
fn check(project: &Project, events: &str, expected: &[&str]) {
    add(project, &format!("projection activity --of {events}"));
    add(project, "aggregate payment");
    add(project, "aggregate gift-card");
    add(project, "projection gift_cards --of GiftCardEvent");
    let said = shell::run(&mut project.command(&project.test));
    for test in expected {
        assert!(said.contains(&format!("{test} ... ok")), "{test} in {said}");
    }
    project.check_format();
}

#[test]
fn what_is_added_to_a_service_compiles_and_passes_its_tests() {
    let project = Project::new("shop-and-more", &[]);
    check(
        &project,
        "OrderEvent",
        &["it_is_closed_once", "each_event_is_counted", "an_order_is_placed_confirmed_and_shown"],
    );
    let health = project.read("src/service.rs");
    assert_eq!(health.matches("GiftCards").count(), 2, "it is registered, and watched");
}

#[test]
fn what_is_added_to_the_smallest_project_compiles_and_passes_its_tests() {
    let project = Project::new("smallest-and-more", &["--blank"]);
    check(
        &project,
        "AccountEvent",
        &[
            "payment::tests::it_is_closed_once",
            "gift_cards::tests::each_event_is_counted",
            "tests::a_deposit_of_nothing_is_none",
        ],
    );
    let said = shell::run(&mut project.command(&project.run[0]));
    assert!(said.trim_end().ends_with("has 4200 cents"), "{said}");
}
