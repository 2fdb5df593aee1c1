//! Readers at the head of the log, which wait for news.

use super::*;

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_the_head_looks_again_and_again() {
    let shelf = Shelf::new();
    let (_shared, mut first, mut second) = two_at(&shelf).await;
    let seen = second.read(&shelf, 5).await.look.number;
    for round in 1..=10 {
        tokio::time::advance(std::time::Duration::from_millis(250)).await;
        for walker in [&mut first, &mut second] {
            assert_eq!(walker.read(&shelf, 5).await.look.number, seen + round, "one look for both");
        }
    }
}

async fn waiting(shelf: &Shelf, count: usize) {
    while shelf.waiting.load(SeqCst) < count {
        tokio::task::yield_now().await;
    }
    // The others come as far as they can.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

type Reading = tokio::task::JoinHandle<Result<Answer, Error>>;

/// Ten at the head who are told of an event, and ask for it all at once; the log does not answer.
async fn ten_waiting(shelf: &Arc<Shelf>) -> (Vec<Walker>, Vec<Reading>) {
    shelf.fill(&["order"; 10]).await;
    let shared = SharedLog::of(shelf.clone());
    let mut walkers: Vec<Walker> = (0..10).map(|_| Walker::of(&shared, &["order"])).collect();
    for walker in &mut walkers {
        walker.read(shelf, 100).await;
    }
    for walker in &mut walkers {
        walker.read(shelf, 100).await;
    }
    shelf.fill(&["order"]).await;
    shelf.answered.send_replace(0);
    shelf.reads.lock().expect("no test panics with it").clear();
    let reading = walkers.iter().map(|walker| {
        let (follower, at) = (Arc::clone(&walker.follower), walker.at);
        tokio::spawn(async move { follower.read(at, 100, Position::new(11)).await })
    });
    let reading = reading.collect();
    waiting(shelf, 1).await;
    (walkers, reading)
}

async fn all_have_it(reading: Vec<Reading>) {
    for reading in reading {
        let answer = reading.await.expect("it does not panic").expect("the log is there");
        assert_eq!((answer.page.events.len(), answer.page.through.get()), (1, 11));
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_head_one_reads_for_all() {
    let shelf = Shelf::new();
    let (_walkers, reading) = ten_waiting(&shelf).await;
    assert_eq!(shelf.reads(), 1);
    shelf.answered.send_replace(usize::MAX);
    all_have_it(reading).await;
    assert_eq!(shelf.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_reads_gives_up_another_one_reads() {
    let shelf = Shelf::new();
    let (_walkers, mut reading) = ten_waiting(&shelf).await;
    for _ in 0..3 {
        reading.remove(0).abort();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(shelf.reads(), 4);
    shelf.answered.send_replace(usize::MAX);
    all_have_it(reading).await;
    assert_eq!(shelf.reads(), 4);
}

#[tokio::test(start_paused = true)]
async fn when_a_read_fails_all_find_out_at_once() {
    let shelf = Shelf::new();
    let (_walkers, reading) = ten_waiting(&shelf).await;
    shelf.away.store(true, SeqCst);
    shelf.answered.send_replace(1);
    waiting(&shelf, 9).await;
    assert_eq!(shelf.reads(), 10);
    shelf.answered.send_replace(10);
    for reading in reading {
        let error = reading.await.expect("it does not panic").expect_err("the log is away");
        assert!(error.is_retryable());
    }
}
