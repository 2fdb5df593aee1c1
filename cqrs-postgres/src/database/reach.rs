//! What is wrong with a URL rather than with the server, as far as it can be told when a store connects. Later, the same
//! may pass: names and certificates are renewed, and servers fail over.

use std::{io, time::Instant};

use cqrs_core::store::Error;
use tokio::{net::lookup_host, time::timeout_at};

use super::{Failure, Server, timed_out, told};

const DOING: &str = "connects";

impl Server {
    /// Looks the host's name up.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where nobody knows it, [`Error::Unavailable`] where nobody could be asked.
    pub(crate) async fn is_known(&self, deadline: Instant) -> Result<(), Error> {
        let (options, place) = (self.options(), self.place());
        let host = options.get_host();
        if options.get_socket().is_some() || host.starts_with('/') {
            return Ok(());
        }
        match timeout_at(deadline.into(), lookup_host((host, options.get_port()))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if may_be_known_later(&error) => {
                Err(Failure::new(DOING, sqlx::Error::Io(error)).at(place).into())
            }
            Ok(Err(error)) => Err(Error::invalid(format!(
                "there is no host of this name: PostgreSQL at {place}: {error}; look after the host in the URL"
            ))),
            Err(_) => Err(Failure::new(DOING, timed_out(self.timeout())).at(place).into()),
        }
    }

    /// Why there is no first connection.
    pub(crate) fn unreachable(&self, error: sqlx::Error) -> Error {
        let place = self.place();
        let is_wrong = match &error {
            sqlx::Error::Tls(_) => true,
            // A certificate of the server that is not trusted, one of the client that can't be read.
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => true,
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                self.options().get_socket().is_none() && !self.options().get_host().starts_with('/')
            }
            _ => false,
        };
        if is_wrong {
            return Error::invalid(format!(
                "no secure connection can be made: PostgreSQL at {place}: {}; look after `sslmode`, `sslrootcert`, \
                 `sslcert` and `sslkey` in the URL, and the server's `ssl`",
                told(&error)
            ));
        }
        Failure::new(DOING, error).at(place).into()
    }
}

/// Whether the name service failed, rather than the name. The resolver's number is not passed on, only its text.
fn may_be_known_later(error: &io::Error) -> bool {
    let text = error.to_string().to_ascii_lowercase();
    // A number is one of the system's: no descriptors, no network.
    error.raw_os_error().is_some() || ["temporar", "try again"].iter().any(|passing| text.contains(passing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_service_that_is_away_is_told_from_a_name_that_is_wrong() {
        for (text, later) in [
            ("failed to lookup address information: Name or service not known", false),
            ("failed to lookup address information: nodename nor servname provided, or not known", false),
            ("failed to lookup address information: Temporary failure in name resolution", true),
            ("failed to lookup address information: Try again", true),
        ] {
            assert_eq!(may_be_known_later(&io::Error::other(text)), later, "{text}");
        }
        assert!(may_be_known_later(&io::Error::from_raw_os_error(24)));
    }
}
