//! A view is built anew from a terminal.

use crate::{
    orders::{confirm, place},
    place::Place,
    service::Exit,
    stores::Stores,
};

on_shared_stores! {
    a_view_is_built_anew_and_answers_meanwhile,
}

fn rebuild(files: &Place, more: &[&str]) -> Exit {
    let arguments = ["rebuild", "order_summary", "--by", "ada", "--read", files.read_store()];
    files.run(&[&arguments[..], more].concat(), &[]).exit()
}

fn a_view_is_built_anew_and_answers_meanwhile(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    let token = confirm(&client, &order.id);
    client.get(&order.path()).at_least(&token).expect(200);

    let none = rebuild(&files, &["--follow"]);
    assert!(none.status.success(), "{none:?}");
    assert_eq!(none.stdout, "order_summary v1 is not being built anew");
    for number in 1..=2 {
        let done = rebuild(&files, &[]);
        assert!(done.status.success(), "{done:?}");
        let says = format!("order_summary v1, build {number} answers from now on: 2 events, ");
        assert!(done.stdout.starts_with(&says), "{done:?}");
        // Nothing is drawn where it is no terminal.
        assert!(!done.stderr.contains(['\u{1b}', '\r', '[']), "{done:?}");
        client.get(&order.path()).at_least(&token).expect(200);
    }

    let private = files.run(&["rebuild", "order_summary", "--read", "memory:"], &[]).exit();
    assert!(!private.status.success() && private.stderr.contains("no other process sees"), "{private:?}");
    let unknown = files.run(&["rebuild", "invoices", "--read", "memory:"], &[]).exit();
    assert!(unknown.stderr.contains("customer_summary"), "{unknown:?}");
}
