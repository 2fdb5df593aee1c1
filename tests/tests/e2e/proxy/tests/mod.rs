//! The proxy does what it says.

mod commands;
mod network;
mod statements;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use super::{Protocol, Proxy};
use crate::deadline::DEADLINE;

/// Longer than anything takes on one machine that is not delayed.
const SILENCE: Duration = Duration::from_millis(300);

/// A proxy, and the server behind it.
struct Scene {
    proxy: Proxy,
    server: TcpListener,
}

impl Scene {
    fn new(protocol: Protocol) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { proxy: Proxy::start(protocol, server.local_addr().unwrap()), server }
    }

    /// Both ends of a new connection.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).unwrap();
        let (server, _) = self.server.accept().unwrap();
        for end in [&client, &server] {
            end.set_read_timeout(Some(DEADLINE)).unwrap();
            end.set_nodelay(true).unwrap();
        }
        (client, server)
    }
}

/// Sends this, and checks that it arrives.
#[track_caller]
fn passes(mut from: &TcpStream, to: &TcpStream, bytes: &[u8]) {
    from.write_all(bytes).unwrap();
    arrives(to, bytes);
}

#[track_caller]
fn arrives(mut to: &TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    to.read_exact(&mut got).unwrap();
    assert!(got == bytes, "{} is not {}", got.escape_ascii(), bytes.escape_ascii());
}

/// Nothing arrives, and the connection stays open.
#[track_caller]
fn is_silent(mut end: &TcpStream) {
    end.set_read_timeout(Some(SILENCE)).unwrap();
    let read = end.read(&mut [0; 64]);
    end.set_read_timeout(Some(DEADLINE)).unwrap();
    let silent =
        read.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(silent, "{read:?}");
}

#[track_caller]
fn is_finished(mut end: &TcpStream) {
    assert_eq!(end.read(&mut [0; 64]).unwrap(), 0);
}

#[track_caller]
fn is_reset(mut end: &TcpStream) {
    let error = end.read(&mut [0; 64]).expect_err("the connection is broken");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
