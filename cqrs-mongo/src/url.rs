//! The URL of a database, which may hold a password: so nothing that is said about it quotes what comes before the host.

use std::sync::Arc;

use cqrs_core::store::Error;
use mongodb::options::ClientOptions;

/// What a URL says.
pub(crate) async fn parse(url: &str) -> Result<ClientOptions, Error> {
    match ClientOptions::parse(url).await {
        Ok(options) => Ok(options),
        Err(_) => Err(Error::invalid(match ClientOptions::parse(without_login(url)).await {
            Ok(_) => "the user name or the password in MongoDB's URL is not percent-encoded".to_owned(),
            Err(error) => format!("MongoDB's URL is wrong: {}", error.kind),
        })),
    }
}

/// Where a database is, for errors: `host:port/database`.
pub(crate) fn place(client: &ClientOptions, database: &str) -> Arc<str> {
    let hosts: Vec<String> = client.hosts.iter().map(ToString::to_string).collect();
    format!("{}/{database}", hosts.join(",")).into()
}

/// The same URL without user name and password; cut generously, as a wrong URL may have its marks in wrong places.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "mongodb:".to_owned() };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wrong_url_is_explained_without_its_password() {
        for (url, told) in [
            ("mongodb://ada:s3cret/x@localhost/orders", "percent-encoded"),
            ("mongodb://ada:s3cr@et@localhost:1/orders", "percent-encoded"),
            ("mongodb://ada:s3cret@localhost:port/orders", "port"),
            ("mongodb://ada:s3cret@localhost/orders?w=-3", "w"),
            ("mongodb://ada:s3cret@/orders", "host"),
            ("postgres://ada:s3cret@localhost/orders", "scheme"),
            ("ada:s3cret@localhost/orders", "URL"),
        ] {
            let error = parse(url).await.expect_err(url);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(told), "{shown}");
            assert!(!shown.contains("s3cr") && !shown.contains("ada"), "{shown}");
        }
        parse("mongodb://ada:s3cret%2Fx@localhost/orders").await.expect("it is sound");
    }
}
