//! An orderly end.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::{
    deadline::eventually, orders::order_of, place::Place, service::Service, stores::Stores, wire::Wire,
};

/// A request of which the service has the head and waits for the body.
fn in_flight(service: &Service, path: &str, body: &str) -> Wire {
    let mut wire = Wire::connect(service);
    let length = body.len();
    wire.send(format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    ))
    .unwrap();
    let go_on = wire.answer("a request in two parts").unwrap();
    assert_eq!(go_on.status, 100, "{go_on}");
    wire
}

fn wait_until_closed(service: &Service) {
    eventually("it takes no more connections", || {
        TcpStream::connect(service.address()).is_err().then_some(())
    });
}

on_each_store! {
    a_stop_finishes_what_is_in_flight_and_exits_with_0,
    a_stop_before_anything_happened_exits_with_0,
}

fn a_stop_finishes_what_is_in_flight_and_exits_with_0(stores: Stores) {
    for signal in [Signal::TERM, Signal::INT] {
        let files = Place::new(stores);
        let service = files.start("all");
        let body = order_of("ada").to_string();
        let mut requests: Vec<_> = (0..5).map(|_| in_flight(&service, "/orders", &body)).collect();
        // These do not keep it.
        let _idle = Wire::connect(&service);
        let mut kept = Wire::connect(&service);
        assert_eq!(kept.request("GET /health/live", &[], b"").status, 200);

        service.signal(signal);
        wait_until_closed(&service);
        for wire in &mut requests {
            wire.send(&body).unwrap();
            let placed = wire.answer("the rest of an order").unwrap();
            assert_eq!(placed.status, 201, "{placed}");
        }
        let exit = service.exit();
        assert_eq!(exit.status.code(), Some(0), "{exit:?}");
        assert!(exit.stdout.is_empty(), "{exit:?}");
        if stores != Stores::Memory {
            let events = files.events();
            assert_eq!(events.len(), 5, "what was answered is in the log");
        }
    }
}

fn a_stop_before_anything_happened_exits_with_0(stores: Stores) {
    for role in ["all", "command", "projector", "query"] {
        let files = Place::new(stores);
        let exit = files.start(role).terminate();
        assert_eq!(exit.status.code(), Some(0), "{role}: {exit:?}");
    }
}

#[test]
fn a_stop_that_a_request_holds_up_for_ever_comes_all_the_same() {
    let files = Place::new(Stores::Sqlite);
    let service = files.start("all");
    let _never_finished = in_flight(&service, "/orders", &order_of("ada").to_string());
    let exit = service.terminate();
    assert_eq!(exit.status.code(), Some(0), "{exit:?}");
    assert!(files.events().is_empty());
}
