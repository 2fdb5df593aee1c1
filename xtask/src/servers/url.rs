//! Database URLs, and whether somebody listens there. No error repeats user, password or options.

use std::{
    fmt, io,
    net::{TcpStream, ToSocketAddrs as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// A URL that may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL")
    }
}

/// Where a URL leads: one or several addresses, or a socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Hosts(Vec<(String, u16)>),
    Socket(PathBuf),
    /// A name that only the database's driver can look up.
    Service(String),
}

impl Place {
    /// Reads `scheme://user:password@host:port,host:port/database?options`. Port and sockets are those of the database.
    pub(super) fn of(url: &str, schemes: &[&str], port: u16) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("is no URL")?;
        if !schemes.contains(&scheme) {
            return Err(format!("begins with `{scheme}://`, not with `{}://`", schemes[0]));
        }
        let (authority, options) = match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
        if scheme.ends_with("+srv") {
            return Ok(Self::Service(hosts.to_owned()));
        }
        let option = |name: &str| {
            let (_, options) = options.split_once('?')?;
            options.split('&').find_map(|option| option.split_once('=').filter(|(key, _)| *key == name))
        };
        let folder = option("host").map_or(hosts, |(_, value)| value).replace("%2F", "/").replace("%2f", "/");
        if Path::new(&folder).extension().is_some_and(|extension| extension == "sock") {
            return Ok(Self::Socket(folder.into()));
        }
        if folder.starts_with('/') {
            let port = option("port").and_then(|(_, value)| value.parse().ok()).unwrap_or(port);
            return Ok(Self::Socket(PathBuf::from(folder).join(format!(".s.PGSQL.{port}"))));
        }
        hosts.split(',').map(|host| host_and_port(host, port)).collect::<Result<_, _>>().map(Self::Hosts)
    }

    /// Connects to one of the addresses.
    pub(super) fn reach(&self) -> Result<(), String> {
        let reached = match self {
            Self::Service(_) => Ok(()),
            Self::Socket(path) => UnixStream::connect(path).map(drop),
            Self::Hosts(hosts) => first(hosts),
        };
        reached.map_err(|error| format!("nobody answers at {}: {error}", self.name()))
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Service(name) => name.clone(),
            Self::Socket(path) => path.display().to_string(),
            Self::Hosts(hosts) => {
                hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(",")
            }
        }
    }
}

fn host_and_port(host: &str, default: u16) -> Result<(String, u16), String> {
    // An IPv6 address stands in brackets, and has colons of its own.
    let end = host.rfind(']').map_or(0, |end| end + 1);
    let (name, port) = match host[end..].split_once(':') {
        Some((name, port)) => (&host[..end + name.len()], port),
        None => (host, ""),
    };
    let number = if port.is_empty() { Some(default) } else { port.parse().ok() };
    let name = if name.is_empty() { "localhost" } else { name };
    Ok((name.to_owned(), number.ok_or("has a port that is no number")?))
}

/// Connects to the first that listens.
fn first(hosts: &[(String, u16)]) -> io::Result<()> {
    let mut reached = Ok(());
    for host in hosts {
        reached = connect(host);
        if reached.is_ok() {
            break;
        }
    }
    reached
}

fn connect((host, port): &(String, u16)) -> io::Result<()> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut last = io::Error::other("the name has no address");
    for address in (host, *port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn postgres(url: &str) -> Result<Place, String> {
        Place::of(url, &["postgres", "postgresql"], 5432)
    }

    fn hosts(hosts: &[(&str, u16)]) -> Place {
        Place::Hosts(hosts.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect())
    }

    #[test]
    fn hosts_and_ports_are_found_among_all_the_rest() {
        assert_eq!(postgres("postgres://localhost"), Ok(hosts(&[("localhost", 5432)])));
        assert_eq!(
            postgres("postgresql://me:p:w@db.example:6000/a?sslmode=disable"),
            Ok(hosts(&[("db.example", 6000)]))
        );
        assert_eq!(postgres("postgres://me:a@b@db"), Ok(hosts(&[("db", 5432)])));
        assert_eq!(postgres("postgres://me@[::1]:7000/"), Ok(hosts(&[("[::1]", 7000)])));
        assert_eq!(postgres("postgres://[::1]"), Ok(hosts(&[("[::1]", 5432)])));
        assert_eq!(postgres("postgres://"), Ok(hosts(&[("localhost", 5432)])));
        let several = Place::of("mongodb://u:p@a:1,b/db?replicaSet=r", &["mongodb"], 27017);
        assert_eq!(several, Ok(hosts(&[("a", 1), ("b", 27017)])));
    }

    #[test]
    fn sockets_and_service_names_are_no_addresses() {
        let socket = |path: &str| Ok(Place::Socket(path.into()));
        assert_eq!(postgres("postgres:///db?host=/run/pg&port=5433"), socket("/run/pg/.s.PGSQL.5433"));
        assert_eq!(postgres("postgres://%2Frun%2Fpg/db"), socket("/run/pg/.s.PGSQL.5432"));
        let mongo = |url| Place::of(url, &["mongodb", "mongodb+srv"], 27017);
        assert_eq!(mongo("mongodb://%2Ftmp%2Fmongodb-27017.sock/db"), socket("/tmp/mongodb-27017.sock"));
        assert_eq!(
            mongo("mongodb+srv://u:p@cluster.example/db"),
            Ok(Place::Service("cluster.example".into()))
        );
    }

    #[test]
    fn a_url_is_refused_without_showing_what_is_secret_in_it() {
        for url in ["secret", "http://me:secret@db", "postgres://me:secret@db:secret"] {
            let refusal = postgres(url).expect_err(url);
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn a_place_is_reached_where_one_of_its_hosts_listens() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        let closed = super::super::port::free().expect("a port");
        let place = postgres(&format!("postgres://me:secret@127.0.0.1:{closed},127.0.0.1:{port}/db"));
        assert_eq!(place.expect("a place").reach(), Ok(()));
        let place = postgres(&format!("postgres://me:secret@127.0.0.1:{closed}/db")).expect("a place");
        let error = place.reach().expect_err("nobody listens");
        assert!(error.starts_with(&format!("nobody answers at 127.0.0.1:{closed}: ")), "{error}");
    }
}
