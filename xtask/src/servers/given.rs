//! Servers that the environment names.

use std::env;

use super::{
    server::{Kind, Server},
    url::Place,
};
use crate::Error;

/// The server of the kind's variable, if it is set. One that does not answer is an error: somebody wanted it.
pub(super) fn server(kind: Kind, schemes: &[&str], port: u16) -> Result<Option<Server>, Error> {
    let variable = kind.url_variable();
    match env::var(variable) {
        Ok(url) if !url.is_empty() => {
            let named = of_url(kind, url, schemes, port);
            Ok(Some(named.map_err(|error| format!("{variable} {error}"))?))
        }
        Err(env::VarError::NotUnicode(_)) => Err(format!("{variable} is no text").into()),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
    }
}

fn of_url(kind: Kind, url: String, schemes: &[&str], port: u16) -> Result<Server, String> {
    let place = Place::of(&url, schemes, port)?;
    place.reach().map_err(|error| format!("names a server that is away: {error}"))?;
    let description = format!("{} at {} ({})", kind.name(), place.name(), kind.url_variable());
    Ok(Server::foreign(kind, url, description))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_named_server_is_described_without_its_password() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        let url = format!("postgres://me:secret@127.0.0.1:{port}/db");
        let server = of_url(Kind::Postgres, url.clone(), &["postgres"], 5432).expect("somebody listens");
        assert_eq!(server.url(), url);
        assert_eq!(server.description(), format!("PostgreSQL at 127.0.0.1:{port} (CQRS_TEST_POSTGRES_URL)"));
        assert!(!format!("{server:?}").contains("secret"));
    }

    #[test]
    fn a_named_server_that_is_away_is_an_error_without_its_password() {
        let port = super::super::port::free().expect("a port");
        let url = format!("mongodb://me:secret@127.0.0.1:{port}");
        let error = of_url(Kind::Mongo, url, &["mongodb"], 27017).expect_err("nobody listens");
        assert!(error.starts_with("names a server that is away: ") && !error.contains("secret"), "{error}");
    }
}
