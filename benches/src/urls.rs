//! URLs of servers, taken apart no further than needed: a MongoDB's may name several hosts.

use crate::Failure;

/// The URL with another database: what stands between the servers and the options.
pub(crate) fn with_database(url: &str, name: &str) -> Result<String, Failure> {
    let Parts { scheme, user, servers: server, rest } = parts(url)?;
    let options = rest.find('?').map_or("", |at| &rest[at..]);
    Ok(format!("{scheme}://{user}{server}/{name}{options}"))
}

/// The URL with another server.
pub(crate) fn with_server(url: &str, server: &str) -> Result<String, Failure> {
    let Parts { scheme, user, rest, .. } = parts(url)?;
    Ok(format!("{scheme}://{user}{server}{rest}"))
}

/// The one server, as `host:port`.
pub(crate) fn server(url: &str) -> Result<&str, Failure> {
    Ok(parts(url)?.servers)
}

struct Parts<'a> {
    scheme: &'a str,
    /// With its `@`.
    user: &'a str,
    servers: &'a str,
    /// Database and options.
    rest: &'a str,
}

fn parts(url: &str) -> Result<Parts<'_>, Failure> {
    let (scheme, all) =
        url.split_once("://").ok_or("a server's URL begins with `postgres://` or `mongodb://`")?;
    let (authority, rest) = all.split_at(all.find(['/', '?']).unwrap_or(all.len()));
    let (user, servers) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    Ok(Parts { scheme, user, servers, rest })
}
