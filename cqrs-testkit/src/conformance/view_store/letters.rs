use cqrs_core::{
    envelope::{Position, StreamId},
    store::{DeadLetter, Reason, Sequence, ViewStore},
};

use super::sample::{View, letter, of_document, parking, put, second};
use crate::conformance::{Stores, json::PECULIAR_NAMES};

fn failed(why: &str) -> Reason {
    Reason::Failed(why.to_owned())
}

fn of_stream(id: &str) -> Sequence {
    Sequence::Stream(StreamId::new("order", id).expect("a valid name"))
}

fn places(letters: &[DeadLetter]) -> Vec<(u64, Sequence)> {
    letters.iter().map(|letter| (letter.position.get(), letter.sequence.clone())).collect()
}

/// A dead letter comes back with all of its fields.
pub async fn dead_letters_are_read_back_as_they_were_parked(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    assert_eq!(view.letters(0, 10).await, []);
    let long = "it's \"broken\"\n".repeat(500);
    let letters = [
        letter(1, of_document("a"), failed("")),
        letter(2, of_document("a"), Reason::Queued),
        letter(3, of_stream("it's/\"1\""), failed(&long)),
        letter(4, of_document("order/1"), failed("queued")),
        DeadLetter { attempts: 7, tried_at: second(100), ..letter(5, of_stream("1"), Reason::Queued) },
    ];
    view.commit(parking(0, 3, &letters[..3])).await;
    assert_eq!(view.letters(0, 10).await, letters[..3]);
    view.commit(parking(3, 5, &letters[3..])).await;
    assert_eq!(view.letters(0, 10).await, letters);
}

/// Dead letters are listed by position, then sequence, after a position, at most so many: but all letters of a
/// position come together, also beyond the limit.
pub async fn dead_letters_come_in_whole_positions(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let parked: Vec<DeadLetter> = [(2, "b"), (2, "a"), (2, "c"), (5, "a"), (7, "b"), (7, "a"), (9, "a")]
        .map(|(position, key)| letter(position, of_document(key), Reason::Queued))
        .to_vec();
    view.commit(parking(0, 6, &parked[..4])).await;
    view.commit(parking(6, 9, &parked[4..])).await;
    let expect = |letters: &[(u64, &str)]| -> Vec<(u64, Sequence)> {
        letters.iter().map(|(position, key)| (*position, of_document(key))).collect()
    };
    let first = [(2, "a"), (2, "b"), (2, "c")];
    for (after, limit, expected) in [
        (0, 1, expect(&first)),
        (0, 2, expect(&first)),
        (0, 3, expect(&first)),
        (0, 4, expect(&[first[0], first[1], first[2], (5, "a")])),
        (1, 1, expect(&first)),
        (2, 2, expect(&[(5, "a"), (7, "a"), (7, "b")])),
        (5, 100, expect(&[(7, "a"), (7, "b"), (9, "a")])),
        (7, 1, expect(&[(9, "a")])),
        (9, 1, vec![]),
    ] {
        assert_eq!(places(&view.letters(after, limit).await), expected, "{limit} after {after}");
    }
}

/// Each sequence with a parked event is listed, and once, however many events wait in it.
pub async fn parked_sequences_are_listed_once(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    assert_eq!(view.sequences().await, []);
    let named = |name: &&str| [of_document(name), of_stream(name)];
    let mut sequences: Vec<Sequence> = PECULIAR_NAMES.iter().flat_map(named).collect();
    sequences.push(Sequence::Stream(StreamId::new("order/a", "b").expect("a valid name")));
    sequences.push(Sequence::Stream(StreamId::new("order", "a/b").expect("a valid name")));
    sequences.push(of_document("order/a"));
    for (round, reason) in (0..3).zip([failed("no"), Reason::Queued, Reason::Queued]) {
        let letters: Vec<DeadLetter> = sequences
            .iter()
            .zip(1000 * round + 1..)
            .map(|(sequence, position)| letter(position, sequence.clone(), reason.clone()))
            .collect();
        view.commit(parking(1000 * round, 1000 * (round + 1), &letters)).await;
    }
    sequences.sort();
    sequences.dedup();
    assert_eq!(view.sequences().await, sequences);
}

/// The checkpoint says how many events are parked, an event of two documents as one; what a batch claims does not
/// count.
pub async fn the_store_counts_parked_events(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let of = |position, key| letter(position, of_document(key), Reason::Queued);
    let batches = [
        (vec![], 0),
        (vec![of(2, "a")], 1),
        (vec![of(3, "a"), of(3, "b"), of(3, "c")], 2),
        (vec![], 2),
        (vec![of(5, "a"), of(5, "b")], 3),
    ];
    for ((letters, parked), at) in batches.into_iter().zip(0..) {
        let mut commit = parking(at, at + 1, &letters);
        commit.checkpoint.parked = 77;
        view.commit(commit).await;
        assert_eq!(view.checkpoint().await.expect("written").parked, parked, "after {letters:?}");
        let read = store.get(&view.id, "a").await.expect("a document is read");
        assert_eq!(read.checkpoint.expect("written").parked, parked, "along with a document");
    }
}

/// A letter of the same event in the same sequence is replaced, and counts once.
pub async fn a_letter_that_is_parked_again_takes_the_place_of_the_old_one(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let [a, b] = ["a", "b"].map(|key| letter(2, of_document(key), failed("once")));
    view.commit(parking(0, 2, &[a.clone(), b.clone()])).await;
    let again = DeadLetter { attempts: 2, reason: failed("twice"), tried_at: second(9), ..a };
    // An attempt in vain does not move the projection on.
    view.commit(parking(2, 2, std::slice::from_ref(&again))).await;
    assert_eq!(view.letters(0, 10).await, [again, b]);
    assert_eq!(view.checkpoint().await.expect("written").parked, 1);
}

/// What a batch resolves is parked no more, and no longer counts once nothing of the event is parked.
pub async fn resolved_letters_are_gone(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let letters = [
        letter(2, of_document("a"), failed("no")),
        letter(2, of_document("b"), failed("no")),
        letter(2, of_stream("a"), failed("no")),
        letter(3, of_document("a"), Reason::Queued),
    ];
    view.commit(parking(0, 4, &letters)).await;
    let resolving = |expected: u64, position: u64, resolved: &[&DeadLetter]| {
        let mut commit = parking(expected, position, &[]);
        commit.resolved = resolved.iter().map(|letter| (letter.sequence.clone(), letter.position)).collect();
        commit
    };
    let state = async || {
        let checkpoint = view.checkpoint().await.expect("written");
        (places(&view.letters(0, 10).await), view.sequences().await.len(), checkpoint.parked)
    };
    view.commit(resolving(4, 4, &[&letters[0]])).await;
    assert_eq!(state().await, (places(&[letters[1].clone(), letters[2].clone(), letters[3].clone()]), 3, 2));
    // What is not there is no trouble: a batch may come twice.
    view.commit(resolving(4, 5, &[&letters[0], &letters[1], &letters[2]])).await;
    assert_eq!(state().await, (places(&letters[3..]), 1, 1));
    let mut both = resolving(5, 6, &[&letters[3]]);
    both.parked.push(letter(6, of_document("z"), failed("no")));
    both.documents.push(put("a", 3, &[]));
    view.commit(both).await;
    assert_eq!(state().await, (vec![(6, of_document("z"))], 1, 1));
    assert_eq!(view.get("a").await.expect("written").applied.get(), 3);
}

/// The letters of one sequence are listed without those of others, page by page.
pub async fn letters_of_one_sequence_are_listed(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let view = View::new(&store, &[]).await;
    let mut letters = Vec::new();
    for position in 1..=9 {
        for sequence in [of_document("1"), of_document("order/1"), of_stream("1")] {
            letters.push(letter(position, sequence, Reason::Queued));
        }
    }
    view.commit(parking(0, 9, &letters)).await;
    for sequence in [of_document("1"), of_document("order/1"), of_stream("1")] {
        for (after, limit, positions) in [(0, 3, 1..=3), (3, 3, 4..=6), (6, 100, 7..=9)] {
            let listed = store
                .dead_letters(&view.id, Some(&sequence), Position::new(after), limit)
                .await
                .expect("dead letters are read");
            let expected: Vec<_> = positions.map(|position| (position, sequence.clone())).collect();
            assert_eq!(places(&listed), expected, "{limit} after {after}");
        }
    }
    let unknown = of_document("nobody");
    let listed = store.dead_letters(&view.id, Some(&unknown), Position::ZERO, 9).await;
    assert_eq!(listed.expect("dead letters are read"), []);
}
