//! Ports to listen on.

use std::net::{Ipv4Addr, TcpListener};

/// Below those that systems give to outgoing connections (Linux: from 32768): who stops listening for a while finds its
/// port still free.
const RANGE: std::ops::Range<u16> = 10_000..15_000;
const ATTEMPTS: usize = 1_000;

/// Listens on a port of the loopback address.
pub(crate) fn bind() -> TcpListener {
    (0..ATTEMPTS)
        .find_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, fastrand::u16(RANGE))).ok())
        .expect("one of a thousand ports is free")
}

/// A port of the loopback address on which nobody listens.
pub(crate) fn free() -> u16 {
    bind().local_addr().expect("a listener has an address").port()
}
