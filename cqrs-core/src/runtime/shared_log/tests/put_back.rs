//! A log that is put back under its readers.

use super::*;

#[tokio::test]
async fn a_log_that_was_put_back_shows_where_the_window_ends() {
    let shelf = Shelf::new();
    let (shared, first, mut second) = two_at(&shelf).await;
    let reads = shelf.reads();
    second.read(&shelf, 5).await;
    assert_eq!(shelf.reads(), reads, "the test is about a page from a window");
    shelf.put_back(7).await;
    shelf.fill(&["order"; 10]).await;
    for walker in [&first, &second] {
        let page = walker.follower.read(walker.at, 5, Position::new(17)).await.expect("it is there").page;
        assert_ne!(page.before, walker.last);
        assert_eq!(page.before, events(&shelf.now()).await.get(9).map(|event| event.event_id));
        assert_eq!(page.head, Position::new(17));
    }
    // Also one that is told nothing, and finds the log shorter.
    shelf.put_back(3).await;
    let page = second.follower.read(second.at, 5, Position::ZERO).await.expect("it is there").page;
    assert_eq!((page.before, page.head), (None, Position::new(3)));
    drop(shared);
}

#[tokio::test]
async fn nobody_begins_with_what_was_read_before_a_log_was_put_back() {
    let shelf = Shelf::new();
    let (shared, _first, _second) = two_at(&shelf).await;
    shelf.put_back(7).await;
    shelf.fill(&["order"; 3]).await;
    let mut third = Walker::of(&shared, &["order"]);
    third.at = Position::new(5);
    third.read(&shelf, 5).await;
    assert_eq!(third.at, Position::new(10));
}

/// It waits for another one's read, which fails, and finds what was read before.
#[tokio::test]
async fn nobody_begins_with_what_was_read_before_a_log_was_put_back_also_where_a_read_has_failed() {
    let shelf = Shelf::new();
    let (shared, first, _second) = two_at(&shelf).await;
    shelf.put_back(7).await;
    shelf.fill(&["order"; 3]).await;
    shelf.answered.send_replace(shelf.reads());
    let mut third = Walker::of(&shared, &["order"]);
    third.at = Position::new(5);
    let fails = async {
        let read = first.follower.read(first.at, 5, Position::new(11)).await;
        // The one that has waited for it reads next.
        shelf.away.store(false, SeqCst);
        read.expect_err("the log is away")
    };
    let goes_on = async {
        tokio::task::yield_now().await;
        shelf.away.store(true, SeqCst);
        shelf.answered.send_replace(usize::MAX);
    };
    tokio::join!(fails, third.read(&shelf, 5), goes_on);
    assert_eq!(third.at, Position::new(10));
}

#[tokio::test]
async fn what_is_read_beyond_a_window_is_of_the_same_log() {
    let shelf = Shelf::new();
    let events: Vec<&str> = (0..2_000).map(|nth| if nth % 300 == 299 { "rare" } else { "order" }).collect();
    shelf.fill(&events).await;
    let shared = SharedLog::of(shelf.clone());
    let (mut few, mut many) = (Walker::of(&shared, &["rare"]), Walker::of(&shared, &["order"]));
    few.read(&shelf, 1).await;
    many.read(&shelf, 100).await;
    // Of its page, four reads for both have nothing; before the one that it makes alone, the log is put back.
    let (read, to, then) = (shelf.reads() + 5, 310, vec!["rare"; 2_000]);
    *shelf.trouble.lock().expect("no test panics with it") = Some(Trouble { read, to, then });
    let page = few.follower.read(few.at, 4, Position::new(2_000)).await.expect("it is there").page;
    let positions: Vec<u64> = page.events.iter().map(|event| event.position.get()).collect();
    assert_eq!((positions, page.through), (vec![311, 312, 313, 314], Position::new(314)));
    assert!(shelf.trouble.lock().expect("no test panics with it").is_none());
}
