//! Stores that are away for a while.

use rusqlite::TransactionBehavior;

use crate::{
    deadline::eventually,
    file,
    model::Model,
    orders::{order_of, place},
    place::Place,
    stores::Stores,
};

#[test]
fn while_the_write_store_is_away_a_command_is_refused_and_can_be_repeated() {
    let files = Place::new(Stores::Sqlite);
    let service = files.start("all");
    let client = service.client();
    let before = place(&client, "ada");
    client.get(&before.path()).at_least(&before.token).expect(200);

    let mut connection = file::open(&files.write_file());
    let lock = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let answer = client.post("/orders").key("k").json(&order_of("ada")).send();
    assert_eq!(
        (answer.status, answer.problem()["code"].as_str()),
        (503, Some("write_store_unavailable")),
        "{answer}"
    );
    assert!(answer.number("retry-after") > 0, "{answer}");
    // Queries go on.
    assert_eq!(client.get(&before.path()).expect(200).json()["order_id"], before.id);
    assert_eq!(
        client.get(&format!("{}/history", before.path())).expect(200).json()["events"][0]["position"],
        1
    );
    drop(lock);

    let placed = client.post("/orders").key("k").json(&order_of("ada")).expect(201);
    let again = client.post("/orders").key("k").json(&order_of("ada")).expect(201);
    assert_eq!(placed.body, again.body);
    assert_eq!(files.events().len(), 2, "one order for the key");
}

#[test]
fn while_the_read_store_is_away_commands_go_on_and_views_follow_later() {
    let files = Place::new(Stores::Sqlite);
    let service = files.start("all");
    let client = service.client();
    let before = place(&client, "ada");
    client.get(&before.path()).at_least(&before.token).expect(200);

    let mut connection = file::open(&files.read_file());
    let lock = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let during = place(&client, "ada");
    let request = client
        .get(&during.path())
        .header("consistency-token", &during.token)
        .header("consistency-timeout", "100ms");
    request.problem(504, "not_yet_consistent");
    assert_eq!(client.get(&before.path()).expect(200).json()["order_id"], before.id);
    eventually("health says so of both projections", || {
        let answer = client.get("/health/ready").send();
        let detail = String::from_utf8_lossy(&answer.body);
        let both =
            detail.contains("order_summary is not well") && detail.contains("customer_summary is not well");
        (answer.status == 503 && both).then_some(())
    });
    drop(lock);

    let order = client.get(&during.path()).at_least(&during.token).expect(200);
    assert_eq!(order.json()["order_id"], during.id);
    let last = place(&client, "ada");
    Model::of(&files.events()).check(&client, &last.token);
    eventually("health is well again", || (client.get("/health/ready").send().status == 200).then_some(()));
}

#[test]
fn views_that_were_lost_are_built_again() {
    let files = Place::new(Stores::Sqlite);
    let service = files.start("all");
    let orders: Vec<_> =
        (0..50).map(|number| place(&service.client(), &format!("customer-{}", number % 3))).collect();
    service.client().get(&orders[49].path()).at_least(&orders[49].token).expect(200);
    service.kill();
    for end in ["", "-wal", "-shm"] {
        let file = files.folder().join(format!("read.db{end}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    let service = files.start("all");
    Model::of(&files.events()).check(&service.client(), &orders[49].token);
}

#[test]
fn a_log_that_was_put_back_is_not_taken_for_the_one_that_the_views_know() {
    let files = Place::new(Stores::Sqlite);
    let backup = files.folder().join("backup.db");
    let service = files.start("all");
    place(&service.client(), "ada");
    file::open(&files.write_file()).execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    let lost = place(&service.client(), "ada");
    service.client().get(&lost.path()).at_least(&lost.token).expect(200);
    service.client().get("/customers/ada").at_least(&lost.token).expect(200);
    service.kill();
    for end in ["-wal", "-shm"] {
        let file = files.folder().join(format!("write.db{end}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::rename(&backup, files.write_file()).unwrap();

    // The views know of an event that the log does not have: that is reported, and nothing is skipped.
    let service = files.start("all");
    let problem = eventually("both projections have stopped", || {
        let answer = service.client().get("/health/ready").send();
        // It stands by until the lease of the one that was killed has run out.
        let problem = (answer.status == 503).then(|| answer.problem())?;
        let halted = problem["projections"].as_array().unwrap().iter().all(|it| it["state"] == "halted");
        halted.then_some(problem)
    });
    for projection in problem["projections"].as_array().unwrap() {
        assert_eq!(projection["applied"], 2, "{problem}");
        assert!(projection["reason"].as_str().is_some_and(|reason| reason.contains('2')), "{problem}");
    }
    let next = place(&service.client(), "ada");
    assert_eq!(next.position, 2, "another event than the one that the views have seen there");
    let request = service.client().get(&next.path()).header("consistency-timeout", "0ms").send();
    assert_eq!(request.problem()["code"], "order_not_found", "the views stay as they were: {request}");
}
