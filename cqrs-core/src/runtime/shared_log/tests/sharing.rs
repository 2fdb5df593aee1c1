//! Who reads for whom, and how much is kept.

use super::*;
use crate::runtime::shared_log::chain::MOST_EVENTS;

/// Numbers that look random.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % sides
    }
}

const CATEGORIES: [&str; 4] = ["order", "payment", "refund", "rare"];

#[tokio::test]
async fn pages_are_those_of_the_log_whoever_has_read_them() {
    let (mut taken, mut for_free) = (0, 0);
    for seed in 0..60 {
        let (shelf, mut roll) = (Shelf::new(), dice(seed));
        let shared = SharedLog::of(shelf.clone());
        let choices: [&[&str]; 5] = [&["order"], &["order", "payment"], &CATEGORIES, &["rare"], &["missing"]];
        let mut walkers: Vec<Walker> =
            (0..8).map(|nth| Walker::of(&shared, choices[nth % choices.len()])).collect();
        for _ in 0..200 {
            match roll(8) {
                0 | 1 => {
                    let count = roll(30);
                    let some: Vec<&str> = (0..count).map(|_| CATEGORIES[roll(7).min(3)]).collect();
                    shelf.fill(&some).await;
                }
                2 if roll(10) == 0 => {
                    let nth = roll(walkers.len());
                    walkers[nth] = Walker::of(&shared, choices[roll(choices.len())]);
                }
                _ => {
                    let (nth, limit) = (roll(walkers.len()), 1 + roll(12));
                    let reads = shelf.reads();
                    walkers[nth].read(&shelf, limit).await;
                    taken += 1;
                    for_free += usize::from(shelf.reads() == reads);
                }
            }
        }
    }
    assert!(for_free > taken / 10, "{for_free} of {taken} pages came from a window");
}

#[tokio::test]
async fn one_alone_reads_what_it_wants_and_no_more() {
    let shelf = Shelf::new();
    shelf.fill(&["order", "payment", "order", "payment"]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walker = Walker::of(&shared, &["order"]);
    for _ in 0..3 {
        walker.read(&shelf, 1).await;
    }
    let reads = shelf.reads.lock().expect("no test panics with it").clone();
    let own = |after| (Position::new(after), (*of(&["order"])).clone(), 1);
    assert_eq!(reads, [own(0), own(1), own(3)]);
}

#[tokio::test]
async fn one_is_alone_where_nobody_is_near_or_about_to_come() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 100]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walker = Walker::of(&shared, &["order"]);
    walker.read(&shelf, 10).await;
    let is_alone = |at: u64| walker.follower.is_alone(Position::new(at));
    assert!(is_alone(10) && is_alone(90), "it is not near itself");
    let mut other = Walker::of(&shared, &["order"]);
    other.read(&shelf, 50).await;
    let reach = MOST_EVENTS as u64;
    assert!(!is_alone(10) && !is_alone(90) && !is_alone(50 + reach), "on either side");
    assert!(is_alone(51 + reach));
    drop(other);
    assert!(is_alone(10));
    let expected = shared.expect(of(&["order"]));
    assert!(!is_alone(10), "it may begin anywhere");
    drop(expected);
    assert!(is_alone(10));
}

#[tokio::test]
async fn ten_read_the_log_about_as_often_as_one() {
    let shelf = Shelf::new();
    shelf.fill(&["order"; 1_000]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..10).map(|_| Walker::of(&shared, &["order"])).collect();
    while walkers[9].at < Position::new(1_000) {
        for walker in &mut walkers {
            walker.read(&shelf, 10).await;
        }
    }
    assert!((100..=112).contains(&shelf.reads()), "{} reads of 100 pages", shelf.reads());
}

#[tokio::test]
async fn who_wants_little_goes_ahead_alone() {
    let shelf = Shelf::new();
    let events: Vec<&str> = (0..60_000).map(|nth| if nth % 600 == 0 { "rare" } else { "order" }).collect();
    shelf.fill(&events).await;
    let shared = SharedLog::of(shelf.clone());
    let mut many: Vec<Walker> = (0..3).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut many {
        walker.read(&shelf, 100).await;
    }
    let mut few = Walker::of(&shared, &["rare"]);
    let before = shelf.reads();
    while few.at < Position::new(60_000) {
        few.read(&shelf, 10).await;
    }
    assert!(shelf.reads() - before <= 10 + 1 + 4 * 5, "{} reads", shelf.reads() - before);
}

#[tokio::test]
async fn a_window_is_bounded() {
    let shelf = Shelf::new();
    shelf.fill(&vec!["order"; 2 * MOST_EVENTS]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut slow = Walker::of(&shared, &["order"]);
    let mut quick = Walker::of(&shared, &["order"]);
    slow.read(&shelf, 1_000).await;
    let mut kept = 0;
    while quick.at < Position::new(2 * MOST_EVENTS as u64) {
        quick.read(&shelf, 1_000).await;
        let windows = shared.windows();
        kept = kept.max(windows.iter().map(|window| window.chain().len()).sum());
    }
    assert!((MOST_EVENTS - 1_000..=MOST_EVENTS).contains(&kept), "{kept} events kept");
    // The slow one has lost them, and misses nothing.
    while slow.at < quick.at {
        slow.read(&shelf, 1_000).await;
    }
    drop((slow, quick));
    assert!(shared.windows().is_empty(), "nothing is kept for nobody");
}

#[tokio::test]
async fn a_page_larger_than_a_window_is_shared_all_the_same() {
    let shelf = Shelf::new();
    shelf.fill(&vec!["order"; MOST_EVENTS + 5_000]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..3).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut walkers {
        walker.read(&shelf, usize::MAX).await;
        walker.read(&shelf, usize::MAX).await;
    }
    assert!(shelf.reads() <= 6, "{} reads", shelf.reads());
}
