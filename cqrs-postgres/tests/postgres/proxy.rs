//! A wire between store and server that can be cut.

use std::str::FromStr as _;

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::server::url;

pub(crate) trait Wire: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Wire for T {}

/// A connection to the server of the tests, without a word spoken.
pub(crate) async fn server() -> Box<dyn Wire> {
    let options = PgConnectOptions::from_str(&url()).unwrap();
    let (host, port) = (options.get_host(), options.get_port());
    let socket = options.get_socket().map(|folder| folder.display().to_string());
    match socket.or_else(|| host.starts_with('/').then(|| host.to_owned())) {
        Some(folder) => Box::new(UnixStream::connect(format!("{folder}/.s.PGSQL.{port}")).await.unwrap()),
        None => Box::new(TcpStream::connect((host, port)).await.unwrap()),
    }
}

/// The URL of the server as it is reached on another port of this machine.
pub(crate) fn url_at(port: u16) -> String {
    let options = PgConnectOptions::from_str(&url()).unwrap();
    // TLS would be one more party on the wire.
    let url = options.to_url_lossy();
    let password = url.password().map(|password| format!(":{password}")).unwrap_or_default();
    format!("postgres://{}{password}@127.0.0.1:{port}{}?sslmode=disable", url.username(), url.path())
}

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// What the server answers is lost without a word.
    Deaf,
    /// Nothing arrives on either side, without a word.
    Frozen,
    /// Connections are closed, and new ones refused.
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: watch::Sender<Mode>,
    /// One receiver for each connection.
    live: watch::Sender<()>,
    /// How many bytes were lost.
    lost: watch::Sender<usize>,
    task: AbortHandle,
}

impl Proxy {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, live, lost) =
            (watch::Sender::new(Mode::Open), watch::Sender::new(()), watch::Sender::new(0));
        let accepting = accept(listener, mode.subscribe(), live.clone(), lost.clone());
        let task = tokio::spawn(accepting).abort_handle();
        Self { port, mode, live, lost, task }
    }

    pub(crate) fn url(&self) -> String {
        url_at(self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Waits until something was lost.
    pub(crate) async fn loses(&self) {
        self.lost.subscribe().wait_for(|lost| *lost > 0).await.unwrap();
    }

    /// Closes all connections, and refuses new ones.
    pub(crate) async fn cut(&self) {
        self.set(Mode::Cut);
        self.live.closed().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    mode: watch::Receiver<Mode>,
    live: watch::Sender<()>,
    lost: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if *mode.borrow() != Mode::Cut {
            connections.spawn(relay(client, mode.clone(), live.subscribe(), lost.clone()));
        }
    }
}

async fn relay(
    client: TcpStream,
    mut mode: watch::Receiver<Mode>,
    _live: watch::Receiver<()>,
    lost: watch::Sender<usize>,
) {
    client.set_nodelay(true).unwrap();
    let (from_server, to_server) = tokio::io::split(server().await);
    let (from_client, to_client) = client.into_split();
    let there = pass(from_client, to_server, mode.clone(), &[Mode::Open, Mode::Deaf], &lost);
    let back = pass(from_server, to_client, mode.clone(), &[Mode::Open], &lost);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// Passes on what comes, in these modes; in others it is lost.
async fn pass(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mode: watch::Receiver<Mode>,
    modes: &[Mode],
    lost: &watch::Sender<usize>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if !modes.contains(&mode.borrow()) {
            lost.send_modify(|lost| *lost += count);
        } else if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
