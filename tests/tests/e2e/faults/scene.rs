//! Servers of a test's own, and the ways to them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    deadline::{eventually, within},
    fleet::Fleet,
    http::Client,
    load::Clients,
    place::{Names, Place},
    proxy::{Protocol, Proxy},
    servers::{Mongo, Postgres, Shutdown, Topology},
};

/// The promise: once a server is back, all goes on by itself within this time.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);

/// Where the views are; the events are on PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Views {
    /// In a replica set, as most are: with transactions.
    Mongo,
    /// Alone, without transactions.
    MongoAlone,
    /// On another server than the events.
    Postgres,
}

/// The server of the views.
#[derive(Debug)]
pub(super) enum ReadServer {
    Mongo(Mongo),
    Postgres(Postgres),
}

/// How a service reaches a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    CommandToEvents,
    ProjectorToEvents,
    ProjectorToViews,
    QueryToViews,
}

/// The servers, and a proxy on each way to them.
#[derive(Debug)]
pub(super) struct Scene {
    proxies: BTreeMap<Way, Proxy>,
    pub(super) place: Arc<Place>,
    pub(super) events: Postgres,
    pub(super) views: ReadServer,
}

impl Scene {
    /// Starts the servers, with nothing in them.
    pub(super) fn new(views: Views) -> Self {
        let (events, views) = thread::scope(|scope| {
            let views = scope.spawn(move || ReadServer::start(views));
            (Postgres::start(), views.join().expect("a server starts"))
        });
        let proxy = |way| {
            let (protocol, server) = match way {
                Way::CommandToEvents | Way::ProjectorToEvents => (Protocol::Postgres, events.address()),
                Way::ProjectorToViews | Way::QueryToViews => (views.protocol(), views.address()),
            };
            (way, Proxy::start(protocol, server))
        };
        let ways = [Way::CommandToEvents, Way::ProjectorToEvents, Way::ProjectorToViews, Way::QueryToViews];
        let proxies = BTreeMap::from(ways.map(proxy));
        let mut place = Place::on(Names::new(events.url(), views.url_at(views.address())), Vec::new());
        for (role, write, read) in [
            ("command", Way::CommandToEvents, Way::QueryToViews),
            ("projector", Way::ProjectorToEvents, Way::ProjectorToViews),
            ("query", Way::CommandToEvents, Way::QueryToViews),
        ] {
            let write = events.url_at(proxies[&write].address());
            place.route(role, Names::new(write, views.url_at(proxies[&read].address())));
        }
        Self { proxies, place: Arc::new(place), events, views }
    }

    pub(super) fn proxy(&self, way: Way) -> &Proxy {
        &self.proxies[&way]
    }
}

/// Commands are taken and views move on, within the promised time from now; later they have caught up. The clients run.
#[track_caller]
pub(super) fn recovers(clients: &Clients, fleet: &Fleet) {
    recovers_at(clients, &fleet.command(), &fleet.query());
}

/// The same where these take commands and answer queries.
#[track_caller]
pub(super) fn recovers_at(clients: &Clients, command: &Client, query: &Client) {
    // One is answered from either projection.
    const PATHS: [&str; 2] = ["/customers/customer-0", "/customers/customer-0/orders?limit=1"];
    let back = Instant::now();
    let left = || RECOVERY.saturating_sub(back.elapsed());
    let position = |path: &str| {
        let answer = query.get(path).try_send().ok().filter(|answer| answer.status == 200)?;
        Some(answer.number("consistency-position"))
    };
    let stood = PATHS.map(|path| within(left(), "queries are answered again", || position(path)));
    let before = clients.acknowledged();
    within(left(), "commands are taken again", || (clients.acknowledged() > before).then_some(()));
    let took = back.elapsed();
    for (path, stood) in PATHS.into_iter().zip(stood) {
        within(left(), "views move on", || position(path).filter(|position| *position > stood));
    }
    let moved = back.elapsed();
    let head = eventually("the log tells its head", || {
        let health = command.get("/health/ready").try_send().ok()?;
        let health: Value = serde_json::from_slice(&health.body).ok()?;
        health["write_store"]["head"].as_u64()
    });
    for path in PATHS {
        eventually("views have caught up", || position(path).filter(|position| *position >= head));
    }
    println!("commands again after {took:?}, views after {moved:?}, caught up after {:?}", back.elapsed());
}

impl ReadServer {
    fn start(views: Views) -> Self {
        match views {
            Views::Mongo => Self::Mongo(Mongo::start(Topology::ReplicaSet)),
            Views::MongoAlone => Self::Mongo(Mongo::start(Topology::Standalone)),
            Views::Postgres => Self::Postgres(Postgres::start()),
        }
    }

    fn protocol(&self) -> Protocol {
        match self {
            Self::Mongo(_) => Protocol::Mongo,
            Self::Postgres(_) => Protocol::Postgres,
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Mongo(server) => server.address(),
            Self::Postgres(server) => server.address(),
        }
    }

    fn url_at(&self, address: SocketAddr) -> String {
        match self {
            Self::Mongo(_) => Mongo::url_at(address),
            Self::Postgres(server) => server.url_at(address),
        }
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        match self {
            Self::Mongo(server) => server.kill(),
            Self::Postgres(server) => server.stop(Shutdown::Kill),
        }
    }

    /// Starts it again, and waits until it answers.
    pub(super) fn resume(&mut self) {
        match self {
            Self::Mongo(server) => server.resume(),
            Self::Postgres(server) => server.resume(),
        }
    }
}
