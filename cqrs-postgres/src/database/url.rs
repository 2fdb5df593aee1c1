//! The URL of a server, which may hold a password: so nothing of it is said but the names of its parameters.

use std::{str::FromStr as _, sync::Arc};

use cqrs_core::store::Error;
use sqlx::postgres::PgConnectOptions;

/// What the driver knows, each under its usual name; it knows others for some of them.
const KNOWN: [&str; 14] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[…]",
    "statement-cache-capacity",
];
const OTHER_NAMES: [&str; 7] =
    ["ssl-mode", "ssl-root-cert", "ssl-ca", "ssl-cert", "ssl-key", "options[", "options%5B"];

/// What a URL says.
///
/// # Errors
///
/// [`Error::Invalid`] for a URL that is none, or has a parameter that nobody would heed.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, Error> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Error::invalid(
            "the URL of a PostgreSQL server begins with postgres:// or postgresql://",
        ));
    }
    let unusable =
        |what: &str| Error::invalid(format!("the URL of the PostgreSQL server is unusable: {what}"));
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let parameters = parameters.split_once('#').map_or(parameters, |(parameters, _)| parameters);
    if parameters.contains('@') {
        return Err(unusable(
            "there is an `@` behind the `?`; write `?` as %3F in a user name or password, and `@` as %40 in a parameter",
        ));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        if !is_known(name) {
            let known = KNOWN.join(", ");
            return Err(unusable(&format!("it has the parameter {name:?}, but the known ones are {known}")));
        }
    }
    PgConnectOptions::from_str(url).map_err(|error| unusable(&super::told(&error)))
}

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || OTHER_NAMES.iter().any(|known| match known.strip_suffix(['[', 'B']) {
            Some(_) => name.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known)),
            None => name == *known,
        })
}

/// Where a database is, for errors: `host:port/database`, and the socket's folder instead of the host where that is used.
pub(super) fn place(options: &PgConnectOptions) -> Arc<str> {
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |folder| folder.display().to_string());
    let database = options.get_database().map(|name| format!("/{name}")).unwrap_or_default();
    format!("{host}:{}{database}", options.get_port()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_nobody_would_heed_are_refused_by_their_names() {
        for (url, name) in [
            ("postgres://me:s3cret@host/db?sslmod=require", "\"sslmod\""),
            ("postgres://me:s3cret@host/db?sslmode=require&connect_timeout=5", "\"connect_timeout\""),
            ("postgres://me:s3cret@host/db?schema", "\"schema\""),
            // What looks like a parameter is a part of the password.
            ("postgres://me:1?s3cret@host/db", "%3F"),
        ] {
            let error = parse(url).expect_err(url);
            let shown = format!("{error} {error:?}");
            assert!(matches!(error, Error::Invalid { .. }) && shown.contains(name), "{shown}");
            assert!(!shown.contains("s3cret") && !shown.contains("host/db"), "{shown}");
            assert!(shown.contains("application_name") || name == "%3F", "{shown}");
        }
    }

    #[test]
    fn what_the_driver_knows_is_taken() {
        for parameters in [
            "",
            "?",
            "?sslmode=disable&application_name=orders",
            "?ssl-mode=disable&ssl-ca=a.pem&sslcert=b&sslkey=c",
            "?host=/tmp&port=1&dbname=x&user=y&password=z&options=-c%20jit%3Doff",
            "?options[jit]=off&options%5bwork_mem%5d=1MB&statement-cache-capacity=5#end",
        ] {
            parse(&format!("postgres://me@host/db{parameters}")).expect(parameters);
        }
    }

    #[test]
    fn a_place_has_no_login() {
        let of = |url| place(&parse(url).expect(url)).to_string();
        assert_eq!(of("postgres://me:s3cret@db.example:1234/orders"), "db.example:1234/orders");
        assert_eq!(of("postgres://me:s3cret@db.example"), "db.example:5432");
        assert_eq!(of("postgres://me:s3cret@localhost/orders?host=/run/pg"), "/run/pg:5432/orders");
    }
}
