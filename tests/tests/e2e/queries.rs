//! Queries, as the contract has them, on each store.

use std::{collections::BTreeSet, thread};

use cqrs_core::prelude::Timestamp;
use serde_json::{Value, json};

use crate::{
    http::{Answer, Client},
    model,
    orders::{Placed, cancel, confirm, line, place},
    place::Place,
    stores::Stores,
};

fn time(text: &Value) -> Timestamp {
    text.as_str().expect("text").parse().expect("a time")
}

/// Views tell times by the millisecond: lets the next one begin.
fn wait_past(text: &Value) {
    while Timestamp::now().as_millisecond() <= time(text).as_millisecond() {
        std::thread::yield_now();
    }
}

/// All that a query says about its freshness.
#[track_caller]
fn check_consistency(answer: &Answer) {
    answer.number("consistency-position");
    let lag = answer.header("consistency-lag");
    assert!(lag.strip_suffix("ms").is_some_and(|lag| lag.parse::<u64>().is_ok()), "{answer}");
    assert_eq!(answer.header("consistency-stale"), "false", "{answer}");
    assert!((26..=64).contains(&answer.token().len()), "{answer}");
}

on_each_store! {
    an_order_is_shown_as_it_stands,
    a_customer_is_summed_up,
    an_unknown_customer_has_an_empty_list,
    a_list_comes_newest_first_and_by_status,
    pages_show_each_order_once_while_others_are_placed_and_changed,
    a_token_makes_an_answer_as_fresh_as_it_says,
    a_bound_on_the_lag_is_kept,
    a_token_of_a_point_that_is_not_there_yet_is_waited_for_in_bounds,
    what_a_query_asks_for_wrongly_is_named,
    a_head_request_is_answered_as_the_query_without_its_body,
}

fn an_order_is_shown_as_it_stands(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let lines = json!([line("tea", 2, 350), line("coffee", 1, 1_200), line("tea", 1, 0)]);
    let placed =
        Placed::of(client.post("/orders").json(&json!({ "customer_id": "ada", "lines": lines })).send());

    let answer = client.get(&placed.path()).at_least(&placed.token).expect(200);
    check_consistency(&answer);
    let order = answer.json();
    let placed_at = order["placed_at"].as_str().expect("text");
    assert!(placed_at.ends_with('Z') && placed_at.as_bytes()[10] == b'T', "{order}");
    assert_eq!(
        order,
        json!({
            "order_id": placed.id, "customer_id": "ada", "status": "placed", "lines": lines, "total_cents": 1_900,
            "placed_at": placed_at, "updated_at": placed_at,
        })
    );

    wait_past(&order["placed_at"]);
    let token = confirm(&client, &placed.id);
    let confirmed = client.get(&placed.path()).at_least(&token).expect(200).json();
    assert_eq!((&confirmed["status"], &confirmed["placed_at"]), (&json!("confirmed"), &json!(placed_at)));
    assert!(time(&confirmed["updated_at"]) > time(&order["placed_at"]), "{confirmed}");
    wait_past(&confirmed["updated_at"]);
    let token = cancel(&client, &placed.id);
    let cancelled = client.get(&placed.path()).at_least(&token).expect(200).json();
    assert_eq!(cancelled["status"], "cancelled");
    assert!(time(&cancelled["updated_at"]) > time(&confirmed["updated_at"]), "{cancelled}");
    assert_eq!((&cancelled["lines"], &cancelled["total_cents"]), (&lines, &json!(1_900)));

    client.get("/orders/nobody").at_least(&token).problem(404, "order_not_found");
}

fn a_customer_is_summed_up(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let orders: Vec<_> = (0..6).map(|_| place(&client, "ada")).collect();
    let other = place(&client, "eve");
    for order in &orders[..3] {
        confirm(&client, &order.id);
    }
    cancel(&client, &orders[0].id);
    cancel(&client, &orders[5].id);
    let token = confirm(&client, &other.id);

    let answer = client.get("/customers/ada").at_least(&token).expect(200);
    check_consistency(&answer);
    assert_eq!(
        answer.json(),
        json!({ "customer_id": "ada", "orders": 6, "confirmed": 2, "cancelled": 2, "total_cents": 2_800 })
    );
    let answer = client.get("/customers/eve").at_least(&token).expect(200);
    assert_eq!(
        answer.json(),
        json!({ "customer_id": "eve", "orders": 1, "confirmed": 1, "cancelled": 0, "total_cents": 700 })
    );
}

fn an_unknown_customer_has_an_empty_list(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let before = client.get("/customers/nobody/orders").expect(200);
    check_consistency(&before);
    assert_eq!(before.json(), json!({ "orders": [], "next": null }));
    let placed = place(&client, "ada");
    let after = client.get("/customers/nobody/orders").at_least(&placed.token).expect(200);
    assert_eq!(after.json(), json!({ "orders": [], "next": null }));
}

fn a_list_comes_newest_first_and_by_status(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let orders: Vec<_> = (0..130).map(|_| place(&client, "ada").id).collect();
    for order in orders.iter().step_by(3) {
        confirm(&client, order);
    }
    for order in orders.iter().step_by(5) {
        cancel(&client, order);
    }
    let token = place(&client, "eve").token;
    let ids = |query: &str| {
        let orders = model::pages(&client, "ada", query, Some(&token));
        orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = |keep: fn(usize) -> bool| {
        let kept = orders.iter().enumerate().filter(|(number, _)| keep(*number));
        kept.map(|(_, id)| id.clone()).rev().collect::<Vec<_>>()
    };
    for limit in ["", "limit=1", "limit=7", "limit=130", "limit=200"] {
        assert_eq!(ids(limit), expected(|_| true), "{limit}");
    }
    for limit in ["", "&limit=4"] {
        assert_eq!(ids(&format!("status=cancelled{limit}")), expected(|number| number % 5 == 0));
        assert_eq!(
            ids(&format!("status=confirmed{limit}")),
            expected(|number| number % 3 == 0 && number % 5 != 0)
        );
        assert_eq!(
            ids(&format!("status=placed{limit}")),
            expected(|number| number % 3 != 0 && number % 5 != 0)
        );
    }

    let answer = client.get("/customers/ada/orders").at_least(&token).expect(200);
    check_consistency(&answer);
    let page = answer.json();
    assert_eq!(page["orders"].as_array().map(Vec::len), Some(50), "50 by default");
    assert!(page["next"].is_string(), "there is a next page");
    let order = client.get(&format!("/orders/{}", orders[129])).at_least(&token).expect(200).json();
    assert_eq!(page["orders"][0], order, "a list shows orders as a query for one does");
    let page = client.get("/customers/ada/orders?limit=130").at_least(&token).expect(200).json();
    assert!(page["next"].is_null(), "a last page says so, also a full one");
}

fn pages_show_each_order_once_while_others_are_placed_and_changed(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let known: Vec<_> = (0..120).map(|_| place(&client, "ada")).collect();
    let token = &known[119].token;
    thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let client = service.client();
            for order in &known {
                place(&client, "ada");
                confirm(&client, &order.id);
            }
        });
        loop {
            let done = changing.is_finished();
            let listed = model::pages(&client, "ada", "limit=7", Some(token));
            let ids: Vec<_> = listed.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no order twice");
            let old: Vec<_> = ids.iter().filter(|id| known.iter().any(|order| order.id == **id)).collect();
            let expected: Vec<_> = known.iter().rev().map(|order| order.id.as_str()).collect();
            assert_eq!(old.into_iter().copied().collect::<Vec<_>>(), expected, "all of them, in their order");
            if done {
                break;
            }
        }
    });
}

fn a_token_makes_an_answer_as_fresh_as_it_says(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    for _ in 0..50 {
        let placed = place(&client, "ada");
        for path in [placed.path(), "/customers/ada".into(), "/customers/ada/orders".into()] {
            let answer = client.get(&path).header("consistency-token", &placed.token).expect(200);
            check_consistency(&answer);
            assert!(answer.number("consistency-position") >= placed.position, "{answer}");
        }
    }
}

fn a_bound_on_the_lag_is_kept(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let placed = place(&client, "ada");
    client.get(&placed.path()).at_least(&placed.token).expect(200);
    for bound in ["0ms", "1ms", "500ms", "2s", "30s"] {
        let answer = client.get(&placed.path()).header("consistency-max-lag", bound).expect(200);
        check_consistency(&answer);
    }
}

fn a_token_of_a_point_that_is_not_there_yet_is_waited_for_in_bounds(stores: Stores) {
    let (files, other) = (Place::new(stores), Place::new(stores));
    let (service, other) = (files.start("all"), other.start("all"));
    let client = service.client();
    let placed = place(&client, "ada");
    for path in [placed.path(), "/customers/ada".into()] {
        client.get(&path).at_least(&placed.token).expect(200);
    }

    let foreign = place(&other.client(), "ada");
    let future = future(&placed.token);
    for path in [placed.path(), "/customers/ada".into(), "/customers/ada/orders".into()] {
        let problem =
            client.get(&path).header("consistency-token", &foreign.token).problem(409, "foreign_token");
        assert_ne!(problem["expected"], problem["actual"], "{problem}");
        let wait = |timeout: &str| {
            client.get(&path).header("consistency-token", &future).header("consistency-timeout", timeout)
        };
        for timeout in ["0ms", "0s", "50ms"] {
            let problem = wait(timeout).problem(504, "not_yet_consistent");
            assert_eq!(problem["applied"], placed.position, "{problem}");
        }
        let stale = wait("0ms").header("consistency-fallback", "stale").expect(200);
        assert_eq!(stale.header("consistency-stale"), "true", "{stale}");
        assert_eq!(stale.number("consistency-position"), placed.position, "{stale}");
    }
}

fn what_a_query_asks_for_wrongly_is_named(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let placed = place(&client, "ada");
    for path in [placed.path(), "/customers/ada".into(), "/customers/ada/orders".into()] {
        bad_headers(&client, &path, &placed.token);
    }
    for (query, code, named) in [
        ("limit=0", "bad_limit", "limit"),
        ("limit=201", "bad_limit", "limit"),
        ("limit=-1", "bad_limit", "limit"),
        ("limit=1.5", "bad_limit", "limit"),
        ("limit=", "bad_limit", "limit"),
        ("limit=x", "bad_limit", "limit"),
        ("limit=99999999999999999999999", "bad_limit", "limit"),
        ("limit=%F0%9F%8D%B5", "bad_limit", "limit"),
        ("limit=1&limit=2", "bad_limit", "limit"),
        ("status=", "bad_status", "status"),
        ("status=Placed", "bad_status", "status"),
        ("status=shipped", "bad_status", "status"),
        ("status=placed%20", "bad_status", "status"),
        ("status=%FF", "bad_status", "status"),
        ("after=", "bad_after", "after"),
        ("after=1", "bad_after", "after"),
        ("after=nonsense", "bad_after", "after"),
        ("after=%00%FF", "bad_after", "after"),
        ("limit=5&status=placed&after=%3Cscript%3E", "bad_after", "after"),
    ] {
        let problem = client.get(&format!("/customers/ada/orders?{query}")).problem(400, code);
        assert!(problem["detail"].as_str().unwrap().contains(named), "{query}: {problem}");
    }
    let long = "x".repeat(4_000);
    client.get(&format!("/customers/ada/orders?after={long}")).problem(400, "bad_after");
}

fn a_head_request_is_answered_as_the_query_without_its_body(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let placed = place(&client, "ada");
    let head = |path: &str| {
        client.request(ureq::http::Method::HEAD, path).header("consistency-token", &placed.token).send()
    };
    for path in [
        placed.path(),
        "/customers/ada".into(),
        "/customers/ada/orders".into(),
        "/health/live".into(),
        "/openapi.json".into(),
    ] {
        let answer = head(&path);
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer}");
    }
    assert_eq!(head("/orders/nobody").status, 404);
    assert_eq!(head("/orders/a%20b").status, 400);
}

fn bad_headers(client: &Client, path: &str, token: &str) {
    let longer = format!("{token}0");
    // The last character checks the others, so that this one is sure to be noticed.
    let (body, last) = token.split_at(token.len() - 1);
    let mistyped = format!("{body}{}", if last == "0" { "1" } else { "0" });
    for bad in ["", "x", "1", "1-", &token[1..], &token[..token.len() - 1], &longer, &mistyped, "1z-\u{e9}"] {
        client.get(path).header("consistency-token", bad).problem(400, "bad_token");
    }
    for bad in [
        "",
        "5",
        "ms",
        "-1s",
        "+1s",
        "1.5s",
        "31s",
        "30001ms",
        "1m",
        "1 s",
        "s5",
        "99999999999999999999s",
        "soon",
    ] {
        let problem = client.get(path).header("consistency-timeout", bad).problem(400, "bad_timeout");
        assert!(
            problem["detail"].as_str().unwrap().to_lowercase().contains("consistency-timeout"),
            "{problem}"
        );
        if !bad.starts_with('3') {
            let problem = client.get(path).header("consistency-max-lag", bad).problem(400, "bad_max_lag");
            assert!(
                problem["detail"].as_str().unwrap().to_lowercase().contains("consistency-max-lag"),
                "{problem}"
            );
        }
    }
    for bad in ["", "fresh", "STALE!", "stale,stale"] {
        let problem = client.get(path).header("consistency-fallback", bad).problem(400, "bad_fallback");
        assert!(
            problem["detail"].as_str().unwrap().to_lowercase().contains("consistency-fallback"),
            "{problem}"
        );
    }
    let twice = client.get(path).header("consistency-token", token).header("consistency-token", token);
    twice.problem(400, "bad_token");
}

/// A token of the same log, far ahead.
fn future(token: &str) -> String {
    let token: cqrs_core::envelope::Token = token.parse().expect("a token");
    cqrs_core::envelope::Token::new(token.log(), cqrs_core::envelope::Position::new(1_000_000)).to_string()
}
