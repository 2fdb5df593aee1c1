//! Projectors that die, stand still, and are two.

use std::{iter, thread, time::Duration};

use rustix::process::Signal;

use crate::{
    deadline::eventually,
    log,
    model::Model,
    orders::{Placed, cancel, confirm, place},
    place::Place,
    service::Service,
    stores::Stores,
};

/// How far the views are.
fn applied(query: &Service) -> u64 {
    query.client().get("/customers/nobody").expect(200).number("consistency-position")
}

/// Brings many events into the log, of orders that are confirmed or cancelled later on. Returns its head.
pub(crate) fn backlog(files: &Place, orders: usize) -> u64 {
    let command = files.start("command");
    // What the others are made after.
    let (first, second) = (place(&command.client(), "customer-0"), place(&command.client(), "customer-1"));
    confirm(&command.client(), &first.id);
    cancel(&command.client(), &second.id);
    drop(command);

    let known = files.events();
    let event = |name: &str, order: &str, customer: &str| {
        let like = known.iter().find(|known| known.name == name).expect("one of each");
        let mut data = log::data(like);
        data["customer_id"] = customer.into();
        log::Like { event: like, stream: order.to_owned(), data }
    };
    let names: Vec<_> =
        (0..orders).map(|number| (format!("old-{number}"), format!("customer-{}", number % 7))).collect();
    let placed = names.iter().map(|(order, customer)| event("order_placed", order, customer));
    let ended = names.iter().enumerate().map(|(number, (order, customer))| {
        let name = if number.is_multiple_of(3) { "order_cancelled" } else { "order_confirmed" };
        event(name, order, customer)
    });
    log::append(files.write_store(), placed.chain(ended))
}

/// Places an order, and checks all views with its token.
#[track_caller]
fn check_views(files: &Place, query: &Service) {
    let command = files.start("command");
    let last = place(&command.client(), "last");
    Model::of(&files.events()).check(&query.client(), &last.token);
}

on_shared_stores! {
    a_projector_that_is_killed_in_the_middle_of_a_backlog_goes_on_where_it_was,
    a_projector_that_is_killed_while_orders_come_in_goes_on_where_it_was,
    while_the_projector_stands_still_a_query_says_so_in_time,
    a_query_that_waits_is_answered_as_soon_as_the_projector_is_back,
    two_projectors_on_the_same_stores_do_each_event_once,
    a_paused_projector_that_comes_back_does_not_undo_what_its_successor_did,
}

fn a_projector_that_is_killed_in_the_middle_of_a_backlog_goes_on_where_it_was(stores: Stores) {
    let files = Place::new(stores);
    let head = backlog(&files, 4_000);
    let query = files.start("query");

    let (mut before, mut in_the_middle) = (0, 0);
    while before < head {
        let projector = files.start("projector");
        let now = eventually("the projector gets on", || Some(applied(&query)).filter(|now| *now > before));
        projector.kill();
        before = now;
        in_the_middle += usize::from(applied(&query) < head);
    }
    assert!(in_the_middle > 0, "no kill came before the end of {head} events: a longer backlog is needed");

    let _projector = files.start("projector");
    check_views(&files, &query);
}

fn a_projector_that_is_killed_while_orders_come_in_goes_on_where_it_was(stores: Stores) {
    let files = Place::new(stores);
    let (command, query) = (files.start("command"), files.start("query"));
    thread::scope(|scope| {
        let placing = scope.spawn(|| {
            let client = command.client();
            for number in 0..600 {
                let placed = place(&client, &format!("customer-{}", number % 5));
                if number % 2 == 0 {
                    confirm(&client, &placed.id);
                }
            }
        });
        while !placing.is_finished() {
            let projector = files.start("projector");
            let before = applied(&query);
            eventually("the projector gets on, or there is nothing left", || {
                (applied(&query) > before || placing.is_finished()).then_some(())
            });
            projector.kill();
        }
    });
    let _projector = files.start("projector");
    check_views(&files, &query);
}

fn while_the_projector_stands_still_a_query_says_so_in_time(stores: Stores) {
    let files = Place::new(stores);
    let (command, projector, query) =
        (files.start("command"), files.start("projector"), files.start("query"));
    let (command, query) = (command.client(), query.client());
    let seen = place(&command, "ada");
    for path in [seen.path(), "/customers/ada".into()] {
        query.get(&path).at_least(&seen.token).expect(200);
    }

    projector.signal(Signal::STOP);
    let unseen = place(&command, "ada");
    let token = confirm(&command, &seen.id);
    for path in [seen.path(), unseen.path(), "/customers/ada".into(), "/customers/ada/orders".into()] {
        let request =
            query.get(&path).header("consistency-token", &token).header("consistency-timeout", "150ms");
        let problem = request.problem(504, "not_yet_consistent");
        assert_eq!(problem["applied"], seen.position, "{problem}");
        let lag = problem["lag"].as_str().and_then(|lag| lag.strip_suffix("ms")?.parse::<u64>().ok());
        assert!(lag.is_some(), "the lag is a time: {problem}");
    }

    let stale = |path: &str| {
        let request =
            query.get(path).header("consistency-token", &token).header("consistency-timeout", "0ms");
        request.header("consistency-fallback", "stale").send()
    };
    let order = stale(&seen.path());
    assert_eq!((order.status, order.header("consistency-stale")), (200, "true"), "{order}");
    assert_eq!(order.number("consistency-position"), seen.position, "{order}");
    assert_eq!(order.json()["status"], "placed", "{order}");
    assert_eq!(stale(&unseen.path()).problem()["code"], "order_not_found");
    let list = stale("/customers/ada/orders");
    assert_eq!((list.status, list.header("consistency-stale")), (200, "true"), "{list}");
    assert_eq!(list.json()["orders"].as_array().map(Vec::len), Some(1), "{list}");
    let summary = stale("/customers/ada");
    assert_eq!((summary.status, summary.header("consistency-stale")), (200, "true"), "{summary}");
    assert_eq!(summary.json()["orders"], 1, "{summary}");

    // Without a wish the answer is as it is, and not called stale.
    let order = query.get(&seen.path()).expect(200);
    assert_eq!(order.header("consistency-stale"), "false", "{order}");

    // A bound in time is passed as time passes.
    let bounded = || {
        query.get(&seen.path()).header("consistency-max-lag", "300ms").header("consistency-timeout", "0ms")
    };
    eventually("the lag passes the bound", || (bounded().send().status == 504).then_some(()));
    bounded().problem(504, "not_yet_consistent");
    let stale = bounded().header("consistency-fallback", "stale").expect(200);
    assert_eq!(stale.header("consistency-stale"), "true", "{stale}");
    eventually("health says so", || {
        let answer = query.get("/health/ready").send();
        (answer.status == 503)
            .then(|| assert!(answer.problem()["detail"].as_str().unwrap().contains("behind"), "{answer}"))
    });

    projector.signal(Signal::CONT);
    let order = query.get(&seen.path()).at_least(&token).expect(200);
    assert_eq!(
        (order.header("consistency-stale"), order.json()["status"].as_str()),
        ("false", Some("confirmed"))
    );
    query.get(&unseen.path()).at_least(&token).expect(200);
    let answer = query
        .get(&seen.path())
        .header("consistency-max-lag", "2s")
        .header("consistency-timeout", "30s")
        .expect(200);
    assert_eq!(answer.header("consistency-stale"), "false", "{answer}");
    eventually("health is well again", || (query.get("/health/ready").send().status == 200).then_some(()));
}

fn a_query_that_waits_is_answered_as_soon_as_the_projector_is_back(stores: Stores) {
    let files = Place::new(stores);
    let (command, projector, query) =
        (files.start("command"), files.start("projector"), files.start("query"));
    projector.signal(Signal::STOP);
    let placed: Vec<_> = iter::repeat_with(|| place(&command.client(), "ada")).take(8).collect();
    thread::scope(|scope| {
        for Placed { token, .. } in &placed {
            let (query, placed) = (&query, &placed);
            scope.spawn(move || {
                for seen in placed.iter().take_while(|placed| placed.token != *token) {
                    query.client().get(&seen.path()).at_least(token).expect(200);
                }
            });
        }
        // Not waited for, but left to chance: the answer is right whether the queries wait by now or not.
        thread::sleep(Duration::from_millis(20));
        projector.signal(Signal::CONT);
    });
}

fn two_projectors_on_the_same_stores_do_each_event_once(stores: Stores) {
    let files = Place::new(stores);
    backlog(&files, 3_000);
    let query = files.start("query");
    let _projectors = [files.launch("projector"), files.launch("projector")].map(Service::listening);
    let command = files.start("command");
    thread::scope(|scope| {
        for client in 0..4 {
            let command = command.client();
            scope.spawn(move || {
                for number in 0..50 {
                    let placed = place(&command, &format!("customer-{}", (client + number) % 5));
                    cancel(&command, &placed.id);
                }
            });
        }
    });
    check_views(&files, &query);
}

fn a_paused_projector_that_comes_back_does_not_undo_what_its_successor_did(stores: Stores) {
    let files = Place::new(stores);
    backlog(&files, 3_000);
    let query = files.start("query");
    let paused = files.start("projector");
    // Somewhere in the backlog, wherever that is.
    paused.signal(Signal::STOP);
    let successor = files.start("projector");
    let command = files.start("command");
    // A process that stands still in the middle of a write holds SQLite's lock; then nobody writes before it goes on.
    let last = place(&command.client(), "last");
    let (token, client) = (&last.token, query.client());
    let request =
        client.get(&last.path()).header("consistency-token", token).header("consistency-timeout", "3s");
    let answer = request.header("consistency-fallback", "stale").send();
    assert!([200, 404].contains(&answer.status), "{answer}");
    paused.signal(Signal::CONT);
    check_views(&files, &query);
    drop(successor);
    check_views(&files, &query);
}
