//! Free ports.

use std::{io, net::TcpListener, ops::Range};

use super::random;

/// Below those that systems give to outgoing connections (Linux: from 32768): a server that a test restarts finds its port
/// still free.
const RANGE: Range<u16> = 15_000..32_000;
const ATTEMPTS: usize = 100;

/// A port of the loopback address on which nobody listens.
pub(super) fn free() -> io::Result<u16> {
    let mut last = io::Error::other("no port was tried");
    for _ in 0..ATTEMPTS {
        let chance = u16::from_le_bytes(random::bytes()?);
        let port = RANGE.start + chance % (RANGE.end - RANGE.start);
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_none_of_outgoing_connections() {
        let port = free().expect("one of a hundred is free");
        assert!(RANGE.contains(&port), "{port}");
        TcpListener::bind(("127.0.0.1", port)).expect("nobody listens on it");
    }
}
