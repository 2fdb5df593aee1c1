//! Counts round trips where they happen: on the wire.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{Failure, urls};

/// Stands between a program and its server.
pub(super) struct Proxy {
    /// The server's URL, by way of the proxy.
    pub(super) url: String,
    round_trips: Arc<AtomicU64>,
}

impl Proxy {
    pub(super) async fn before(url: &str) -> Result<Self, Failure> {
        let server = urls::server(url)?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = urls::with_server(url, &listener.local_addr()?.to_string())?;
        let round_trips = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&round_trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                match TcpStream::connect(&server).await {
                    Ok(server) => pass(client, server, &counter),
                    Err(error) => {
                        eprintln!("the proxy that counts round trips can't reach its server: {error}");
                    }
                }
            }
        });
        Ok(Self { url, round_trips })
    }

    /// How many there were since the last time.
    pub(super) fn take(&self) -> u64 {
        self.round_trips.swap(0, Ordering::Relaxed)
    }
}

fn pass(client: TcpStream, server: TcpStream, round_trips: &Arc<AtomicU64>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // The program speaks, and the server has not answered yet.
    let speaking = Arc::new(AtomicBool::new(false));
    let (asked, answered, round_trips) = (Arc::clone(&speaking), speaking, Arc::clone(round_trips));
    tokio::spawn(copy(from_client, to_server, move || {
        if !asked.swap(true, Ordering::Relaxed) {
            round_trips.fetch_add(1, Ordering::Relaxed);
        }
    }));
    tokio::spawn(copy(from_server, to_client, move || answered.store(false, Ordering::Relaxed)));
}

/// Until either end is closed, which closes the other one.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: impl Fn()) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        seen();
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
