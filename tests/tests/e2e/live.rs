//! Orders that are watched.

use std::{
    io::{BufRead, BufReader},
    sync::Arc,
    thread,
};

use serde_json::Value;

use crate::{
    deadline::eventually,
    fleet::Fleet,
    http::{Client, Request},
    orders::{cancel, confirm, place},
    place::Place,
    stores::Stores,
};

/// A stream of server-sent events.
struct Watched {
    lines: BufReader<ureq::BodyReader<'static>>,
}

/// The data of an event `view`, and its id.
#[derive(Debug)]
struct Seen {
    id: String,
    data: Value,
}

impl Seen {
    fn status(&self) -> Option<&str> {
        self.data["view"]["status"].as_str()
    }

    fn position(&self) -> u64 {
        self.data["consistency"]["position"].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

impl Watched {
    #[track_caller]
    fn begin(request: Request<'_>) -> Self {
        let (headers, body) = request.open();
        assert_eq!(headers["content-type"], "text/event-stream");
        Self { lines: BufReader::new(body) }
    }

    #[track_caller]
    fn of(client: &Client, order: &str) -> Self {
        Self::begin(client.get(&format!("/orders/{order}/live")))
    }

    /// The next view; `None` at the end of the stream. An end without warning is an error of the connection.
    #[track_caller]
    fn next(&mut self) -> Option<Seen> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).expect("the stream comes in time, and ends in order") == 0 {
                return None;
            }
            match line.trim_end().split_once(':') {
                Some(("event", value)) => value.trim().clone_into(&mut name),
                Some(("id", value)) => value.trim().clone_into(&mut id),
                Some(("data", value)) => value.trim().clone_into(&mut data),
                None if !data.is_empty() => {
                    assert_eq!(name, "view", "{data}");
                    let data = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"));
                    return Some(Seen { id, data });
                }
                _ => {}
            }
        }
    }

    /// Reads on to a status, past others that nobody has to see; nothing on the way goes back.
    #[track_caller]
    fn until(&mut self, status: Option<&str>) -> Seen {
        let mut position = 0;
        loop {
            let seen = self.next().expect("it goes on");
            assert!(seen.position() >= position, "{seen:?} after {position}");
            position = seen.position();
            if seen.status() == status {
                return seen;
            }
        }
    }
}

on_each_store! {
    a_change_is_told_to_those_who_watch,
    a_stop_ends_the_streams_and_does_not_wait_for_them,
}

fn a_change_is_told_to_those_who_watch(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    for _ in 0..3 {
        let placed = place(&client, "ada");
        let mut watching: Vec<_> = (0..3).map(|_| Watched::of(&service.client(), &placed.id)).collect();
        for one in &mut watching {
            one.until(Some("placed"));
        }
        confirm(&client, &placed.id);
        for one in &mut watching {
            let seen = one.until(Some("confirmed"));
            assert_eq!(seen.data["view"], client.get(&placed.path()).expect(200).json());
        }
        cancel(&client, &placed.id);
        for one in &mut watching {
            one.until(Some("cancelled"));
        }
    }
}

fn a_stop_ends_the_streams_and_does_not_wait_for_them(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let placed = place(&service.client(), "ada");
    let mut live = Watched::of(&service.client(), &placed.id);
    live.until(Some("placed"));
    let ended = thread::spawn(move || while live.next().is_some() {});
    let exit = service.terminate();
    assert_eq!(exit.status.code(), Some(0), "{exit:?}");
    assert!(!exit.stderr.contains("still in flight"), "{exit:?}");
    ended.join().expect("the stream ends in order");
}

mod between_processes {
    use super::*;

    on_shared_stores! {
        a_change_is_told_in_another_process,
        a_stream_that_goes_on_in_another_process_shows_nothing_older,
    }

    fn a_change_is_told_in_another_process(stores: Stores) {
        let files = Arc::new(Place::new(stores));
        let mut fleet = Fleet::start(&files);
        let unknown = Watched::of(&fleet.query(), "nobody").next().expect("a first event");
        assert_eq!(unknown.status(), None);

        let placed = place(&fleet.command(), "ada");
        let mut live = Watched::of(&fleet.query(), &placed.id);
        live.until(Some("placed"));
        confirm(&fleet.command(), &placed.id);
        live.until(Some("confirmed"));
        // Whoever builds the view may change.
        fleet.kill("projector");
        cancel(&fleet.command(), &placed.id);
        fleet.start_again("projector");
        live.until(Some("cancelled"));
    }

    fn a_stream_that_goes_on_in_another_process_shows_nothing_older(stores: Stores) {
        let files = Place::new(stores);
        let (command, projector) = (files.start("command"), files.start("projector"));
        let placed = place(&command.client(), "ada");
        let first = files.start("query");
        let mut live = Watched::of(&first.client(), &placed.id);
        live.until(Some("placed"));
        let mut seen = String::new();
        for (status, change) in [("confirmed", confirm as fn(&Client, &str) -> String), ("cancelled", cancel)]
        {
            change(&command.client(), &placed.id);
            seen = live.until(Some(status)).id;
        }
        let address = first.address().to_owned();
        first.kill();
        projector.kill();

        let second = files.start_at("query", &address);
        let client = second.client();
        let go_on = |id: &str| client.get(&format!("{}/live", placed.path())).header("last-event-id", id);
        let mut live = Watched::begin(go_on(&seen));
        assert_eq!(live.next().expect("a first event").status(), Some("cancelled"));
        // What no process has built yet is waited for, and then shown first.
        let other = place(&command.client(), "ada");
        let token = confirm(&command.client(), &other.id);
        let path = format!("{}/live", other.path());
        let late = client.get(&path).header("last-event-id", &token).header("consistency-timeout", "50ms");
        late.problem(504, "not_yet_consistent");
        let _projector = files.start("projector");
        let live = eventually("the projector has come so far", || {
            let request = client.get(&path).header("last-event-id", &token);
            (client.get(&other.path()).header("consistency-token", &token).send().status == 200)
                .then(|| Watched::begin(request))
        })
        .next();
        assert_eq!(live.expect("a first event").status(), Some("confirmed"));
    }
}
