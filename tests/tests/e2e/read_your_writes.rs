//! A token makes a query see what a command did, whichever process answers.

use std::thread;

use serde_json::json;

use crate::{
    orders::{Placed, confirm, line, place},
    place::Place,
    stores::Stores,
};

const ORDERS: usize = 1_000;
const CLIENTS: usize = 4;

on_shared_stores! {
    a_process_that_only_queries_shows_what_its_token_names,
    two_whole_services_on_the_same_stores_show_each_others_writes,
    the_token_of_an_answer_makes_the_next_one_not_older,
}

fn a_process_that_only_queries_shows_what_its_token_names(stores: Stores) {
    let files = Place::new(stores);
    let (command, projector, query) =
        (files.start("command"), files.start("projector"), files.start("query"));

    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (command, query) = (&command, &query);
            scope.spawn(move || {
                let (command, query) = (command.client(), query.client());
                let customer = format!("customer-{client}");
                for number in 1..=ORDERS / CLIENTS {
                    let lines = json!([line(&format!("sku-{number}"), 1, 100)]);
                    let body = json!({ "customer_id": customer, "lines": lines });
                    let placed = Placed::of(command.post("/orders").json(&body).send());

                    // Without a time-out of its own: what the contract gives is enough.
                    let see = |path: &str, token: &str| {
                        let answer = query.get(path).header("consistency-token", token).expect(200);
                        assert_eq!(answer.header("consistency-stale"), "false", "{answer}");
                        answer
                    };
                    let order = see(&placed.path(), &placed.token);
                    assert!(order.number("consistency-position") >= placed.position, "{order}");
                    assert_eq!(order.json()["status"], "placed", "{order}");
                    assert_eq!(order.json()["lines"], lines, "{order}");

                    let list = see(&format!("/customers/{customer}/orders?limit=1"), &placed.token);
                    assert!(list.number("consistency-position") >= placed.position, "{list}");
                    assert_eq!(list.json()["orders"], json!([order.json()]), "{list}");

                    let summary = see(&format!("/customers/{customer}"), &placed.token);
                    assert!(summary.number("consistency-position") >= placed.position, "{summary}");
                    assert_eq!(summary.json()["orders"], number, "{summary}");
                    assert_eq!(summary.json()["total_cents"], number * 100, "{summary}");

                    if number.is_multiple_of(3) {
                        let token = confirm(&command, &placed.id);
                        let order = see(&placed.path(), &token);
                        assert_eq!(order.json()["status"], "confirmed", "{order}");
                        let summary = see(&format!("/customers/{customer}"), &token);
                        assert_eq!(summary.json()["confirmed"], number / 3, "{summary}");
                    }
                }
            });
        }
    });
    for service in [command, projector, query] {
        let exit = service.terminate();
        assert_eq!(exit.status.code(), Some(0), "{exit:?}");
    }
}

fn two_whole_services_on_the_same_stores_show_each_others_writes(stores: Stores) {
    let files = Place::new(stores);
    let services = [files.start("all"), files.start("all")];
    let clients = [services[0].client(), services[1].client()];
    for number in 0..100 {
        let (here, there) = (&clients[number % 2], &clients[1 - number % 2]);
        let placed = place(here, "ada");
        for client in [here, there] {
            let order = client.get(&placed.path()).header("consistency-token", &placed.token).expect(200);
            assert_eq!(order.header("consistency-stale"), "false", "{order}");
            assert_eq!(order.json()["order_id"], placed.id, "{order}");
        }
        let token = confirm(there, &placed.id);
        let order = here.get(&placed.path()).header("consistency-token", &token).expect(200);
        assert_eq!(order.json()["status"], "confirmed", "{order}");
    }
}

fn the_token_of_an_answer_makes_the_next_one_not_older(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let query = files.start("query");
    thread::scope(|scope| {
        let placing = scope.spawn(|| (0..300).for_each(|_| drop(place(&client, "ada"))));
        let (mut position, mut orders, mut token) = (0, 0, None::<String>);
        let readers = [service.client(), query.client()];
        for reader in readers.iter().cycle() {
            let done = placing.is_finished();
            let request = reader.get("/customers/ada");
            let answer = match &token {
                Some(token) => request.at_least(token),
                None => request,
            };
            let answer = answer.expect(200);
            assert!(answer.number("consistency-position") >= position, "{answer}");
            let counted = answer.json()["orders"].as_u64().expect("a number");
            assert!(counted >= orders, "it showed {orders} orders before: {answer}");
            position = answer.number("consistency-position");
            (orders, token) = (counted, Some(answer.token().to_owned()));
            if done {
                break;
            }
        }
    });
}
