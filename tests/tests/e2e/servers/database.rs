//! Databases in servers that all tests share.

use mongodb::Client;

use super::variable;
use crate::{runtime, sql};

/// A database of a test's own. It is removed with its handle.
#[derive(Debug)]
pub(crate) struct Database {
    kind: Kind,
    name: String,
    url: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Postgres,
    Mongo,
}

impl Database {
    pub(crate) fn in_postgres() -> Self {
        Self::new(Kind::Postgres, variable::POSTGRES_URL)
    }

    pub(crate) fn in_mongo() -> Self {
        Self::new(Kind::Mongo, variable::MONGO_URL)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn new(kind: Kind, variable: &str) -> Self {
        let name = format!("e2e_{:016x}", fastrand::u64(..));
        let url = with_database(&variable::url(variable), &name);
        if let Kind::Postgres = kind {
            // One in MongoDB comes into being when something is written.
            sql::execute(&variable::url(variable), format!("CREATE DATABASE {name}"))
                .expect("a database can be made");
        }
        Self { kind, name, url }
    }

    fn remove(&self) -> Result<(), Box<dyn std::error::Error>> {
        match self.kind {
            Kind::Postgres => {
                let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
                sql::execute(&variable::url(variable::POSTGRES_URL), drop)?;
            }
            Kind::Mongo => runtime::block_on(async {
                Client::with_uri_str(&self.url).await?.database(&self.name).drop().await
            })?,
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("the database {} stays behind: {error}", self.name);
        }
    }
}

/// The URL of another database on the same server.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) =
        url.split_once('?').map_or((url, None), |(address, options)| (address, Some(options)));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("{}/{name}{options}", &address[..end])
}

#[test]
fn the_url_of_another_database_keeps_the_rest() {
    for (url, expected) in [
        ("postgres://ada:pw@host:1/postgres", "postgres://ada:pw@host:1/db"),
        ("postgres://host", "postgres://host/db"),
        ("mongodb://host:1/?directConnection=true", "mongodb://host:1/db?directConnection=true"),
        ("mongodb://host?a=b/c", "mongodb://host/db?a=b/c"),
    ] {
        assert_eq!(with_database(url, "db"), expected);
    }
}
