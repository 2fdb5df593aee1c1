//! Readers that start one after the other.

use super::*;
use crate::runtime::shared_log::{Expected, expected::PATIENCE};

fn expected(shared: &Arc<SharedLog>, count: usize, categories: &[&str]) -> Vec<Expected> {
    (0..count).map(|_| shared.expect(of(categories))).collect()
}

async fn read_all(shelf: &Shelf, expected: Expected, categories: &[&str]) -> Walker {
    let mut walker = Walker::with(expected.follow(), of(categories));
    while walker.at < *shelf.now().watch().borrow() {
        walker.read(shelf, 10).await;
    }
    walker
}

#[tokio::test(start_paused = true)]
async fn a_small_log_is_read_once_for_all_that_start_one_after_the_other() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 50]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers = Vec::new();
    for expected in expected(&shared, 10, &["order"]) {
        walkers.push(read_all(&shelf, expected, &["order"]).await);
    }
    assert_eq!(shelf.reads(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_one_wants_who_has_not_begun_is_read_too() {
    let shelf = Shelf::new();
    shelf.fill(&["order", "payment"].repeat(25)).await;
    let shared = SharedLog::of(shelf.clone());
    let late = shared.expect(of(&["payment"]));
    read_all(&shelf, shared.expect(of(&["order"])), &["order"]).await;
    let reads = shelf.reads();
    read_all(&shelf, late, &["payment"]).await;
    assert_eq!(shelf.reads(), reads);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_who_does_not_come() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 50]).await;
    let shared = SharedLog::of(shelf.clone());
    let standing_by = expected(&shared, 2, &["payment"]);
    let mut alone = Walker::of(&shared, &["order"]);
    alone.read(&shelf, 10).await;
    assert_eq!(shared.windows().len(), 1);
    tokio::time::advance(2 * PATIENCE).await;
    for _ in 0..2 {
        alone.read(&shelf, 10).await;
    }
    assert!(shared.windows().is_empty(), "nothing is kept for nobody");
    let reads = shelf.reads.lock().expect("no test panics with it").clone();
    assert_eq!(reads.last(), Some(&(Position::new(20), (*of(&["order"])).clone(), 10)));
    drop(standing_by);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_late_begins_with_a_look_of_its_own() {
    let shelf = Shelf::new();
    let (shared, _first, _second) = two_at(&shelf).await;
    let late = shared.expect(of(&["order"]));
    tokio::time::advance(2 * PATIENCE).await;
    shelf.put_back(7).await;
    shelf.fill(&["order"; 3]).await;
    let mut walker = Walker::with(late.follow(), of(&["order"]));
    walker.at = Position::new(5);
    walker.read(&shelf, 5).await;
    assert_eq!(walker.at, Position::new(10));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_late_takes_nothing_that_was_read_while_it_was_waited_for() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 10]).await;
    let shared = SharedLog::of(shelf.clone());
    let late = shared.expect(of(&["order"]));
    let (mut first, mut second) = (Walker::of(&shared, &["order"]), Walker::of(&shared, &["order"]));
    first.read(&shelf, 10).await;
    // It stays behind, so that what was read is kept for it.
    second.read(&shelf, 1).await;
    tokio::time::advance(2 * PATIENCE).await;
    shelf.put_back(7).await;
    shelf.fill(&["order"; 3]).await;
    let mut walker = Walker::with(late.follow(), of(&["order"]));
    walker.at = Position::new(5);
    walker.read(&shelf, 5).await;
    assert_eq!(walker.at, Position::new(10));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_given_up_before_it_begins_is_forgotten() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 50]).await;
    let shared = SharedLog::of(shelf.clone());
    drop(expected(&shared, 2, &["order"]));
    let mut alone = Walker::of(&shared, &["order"]);
    alone.read(&shelf, 10).await;
    assert!(shared.windows().is_empty());
}
