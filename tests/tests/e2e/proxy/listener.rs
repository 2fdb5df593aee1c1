//! Takes connections.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    failpoint::{Failpoint, Points, Waiting},
    framing::{Framing, Opaque},
    link::{Link, Order},
    mongo::Mongo,
    network::{Condition, Cut, Side},
    postgres::Postgres,
};
use crate::{ports, runtime};

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Anything: no failpoint is reached.
    Opaque,
    /// PostgreSQL's, version 3.
    Postgres,
    /// MongoDB's messages.
    Mongo,
}

impl Protocol {
    fn framing(self) -> Box<dyn Framing> {
        match self {
            Self::Opaque => Box::new(Opaque),
            Self::Postgres => Box::new(Postgres::default()),
            Self::Mongo => Box::new(Mongo::default()),
        }
    }
}

/// A proxy in front of one server. It ends with its handle, and cuts all connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    condition: watch::Sender<Condition>,
    links: Links,
    points: Arc<Points>,
    accepting: JoinHandle<()>,
}

/// How to reach the connections; those that have ended are forgotten now and then.
type Links = Arc<Mutex<Vec<mpsc::UnboundedSender<Order>>>>;

impl Proxy {
    /// Starts one.
    pub(crate) fn start(protocol: Protocol, server: SocketAddr) -> Self {
        let listener = ports::bind();
        let address = listener.local_addr().expect("a listener has an address");
        let (condition, _) = watch::channel(Condition::Forward);
        let (links, points) = (Links::default(), Arc::<Points>::default());
        let accepting = Accepting {
            protocol,
            address,
            server,
            conditions: condition.subscribe(),
            links: Arc::clone(&links),
            points: Arc::clone(&points),
        };
        let accepting = runtime::spawn(accepting.run(listener));
        Self { address, condition, links, points, accepting }
    }

    /// Where it listens, instead of the server.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what happens to all that is on the way.
    pub(crate) fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }

    /// Cuts all connections, and returns how many there were. New ones are taken.
    pub(crate) fn cut(&self, cut: Cut) -> usize {
        self.order(Order::Cut(cut))
    }

    /// Tells one end of all connections that nothing more comes; the other way stays open. Returns how many
    /// connections there were.
    pub(crate) fn half_close(&self, towards: Side) -> usize {
        self.order(Order::HalfClose(towards))
    }

    /// Holds the next message at this point. The request that leads to it must contain this text, such as the name of
    /// a projection; the empty text means any.
    pub(crate) fn hold(&self, failpoint: Failpoint, about: &'static str) -> Waiting {
        self.points.arm(failpoint, about)
    }

    fn order(&self, order: Order) -> usize {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.send(order).is_ok());
        links.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Accepting {
    protocol: Protocol,
    address: SocketAddr,
    server: SocketAddr,
    conditions: watch::Receiver<Condition>,
    links: Links,
    points: Arc<Points>,
}

impl Accepting {
    async fn run(mut self, listener: std::net::TcpListener) {
        listener.set_nonblocking(true).expect("a listener can be asked not to block");
        let mut listener = Some(TcpListener::from_std(listener).expect("a listener listens"));
        // They end with this future.
        let mut running = JoinSet::new();
        loop {
            let refuses = *self.conditions.borrow_and_update() == Condition::Refuse;
            match &listener {
                Some(_) if refuses => listener = None,
                None if !refuses => {
                    // The port is none of those that the system gives away, so it is still free.
                    let again = TcpListener::bind((Ipv4Addr::LOCALHOST, self.address.port())).await;
                    listener = Some(again.expect("the port is free"));
                }
                _ => {}
            }
            tokio::select! {
                Some(client) = accept(listener.as_ref()) => {
                    let link = self.link();
                    running.spawn(link.run(client, self.server));
                }
                Some(_) = running.join_next() => {}
                changed = self.conditions.changed() => if changed.is_err() { return },
            }
        }
    }

    fn link(&self) -> Link {
        let (orders, ordered) = mpsc::unbounded_channel();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| !link.is_closed());
        links.push(orders);
        Link {
            framing: Mutex::new(self.protocol.framing()),
            conditions: self.conditions.clone(),
            points: Arc::clone(&self.points),
            orders: ordered,
        }
    }
}

/// The next connection; none while nobody listens, or where it was gone before it was taken.
async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(client, _)| client),
        None => std::future::pending().await,
    }
}
