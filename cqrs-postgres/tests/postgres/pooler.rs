//! A pooler of transactions, as strict as one can be: each transaction gets another connection to the server than the one
//! before, settings at the start of a connection are refused, and it knows no prepared statements.

use std::{collections::VecDeque, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Mutex, Notify},
    task::{AbortHandle, JoinSet},
};

use crate::proxy::{Wire, server, url_at};

pub(crate) struct Pooler {
    port: u16,
    task: AbortHandle,
}

impl Pooler {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(accept(listener)).abort_handle();
        Self { port, task }
    }

    pub(crate) fn url(&self) -> String {
        url_at(self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections to the server that no transaction uses, those that rested longest first.
#[derive(Default)]
struct Pool {
    idle: Mutex<VecDeque<Box<dyn Wire>>>,
    returned: Notify,
}

impl Pool {
    async fn take(&self) -> Box<dyn Wire> {
        loop {
            if let Some(server) = self.idle.lock().await.pop_front() {
                return server;
            }
            self.returned.notified().await;
        }
    }

    async fn put_back(&self, server: Box<dyn Wire>) {
        self.idle.lock().await.push_back(server);
        self.returned.notify_one();
    }
}

async fn accept(listener: TcpListener) {
    let pool = Arc::new(Pool::default());
    let mut clients = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        client.set_nodelay(true).unwrap();
        clients.spawn(serve(client, Arc::clone(&pool)));
    }
}

/// One message: its kind, and all of its bytes. `None`: the connection has ended.
async fn message(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
    let mut bytes = head.to_vec();
    bytes.resize(1 + length, 0);
    from.read_exact(&mut bytes[5..]).await.ok()?;
    Some((head[0], bytes))
}

/// Passes on what the server says until it is ready for more, and tells whether it is in a transaction.
async fn until_ready(server: &mut Box<dyn Wire>, client: &mut TcpStream) -> Option<bool> {
    loop {
        let (kind, bytes) = message(server).await?;
        client.write_all(&bytes).await.ok()?;
        if kind == b'Z' {
            return Some(bytes[5] != b'I');
        }
    }
}

async fn serve(mut client: TcpStream, pool: Arc<Pool>) -> Option<()> {
    // Each client brings a connection to the server along, and logs in there itself.
    let mut length = [0; 4];
    client.read_exact(&mut length).await.ok()?;
    let mut startup = length.to_vec();
    startup.resize(u32::from_be_bytes(length) as usize, 0);
    client.read_exact(&mut startup[4..]).await.ok()?;
    let text = String::from_utf8_lossy(&startup);
    for refused in ["options", "extra_float_digits"] {
        assert!(
            !text.contains(&format!("\0{refused}\0")),
            "a pooler refuses {refused} at the start of a connection"
        );
    }
    let mut server = server().await;
    server.write_all(&startup).await.ok()?;
    loop {
        let (kind, bytes) = message(&mut server).await?;
        client.write_all(&bytes).await.ok()?;
        // All but the last steps of a login are questions to the client.
        if kind == b'R' && !matches!(bytes[5..9], [0, 0, 0, 0 | 12]) {
            let (_, answer) = message(&mut client).await?;
            server.write_all(&answer).await.ok()?;
        }
        if kind == b'Z' {
            break;
        }
    }
    pool.put_back(server).await;

    let mut attached = None;
    loop {
        let mut request = Vec::new();
        loop {
            let (kind, bytes) = message(&mut client).await?;
            request.extend(bytes);
            match kind {
                b'X' => return None,
                b'S' | b'Q' => break,
                _ => {}
            }
        }
        let mut server = match attached.take() {
            Some(server) => server,
            None => pool.take().await,
        };
        server.write_all(&request).await.ok()?;
        if until_ready(&mut server, &mut client).await? {
            attached = Some(server);
        } else {
            pool.put_back(server).await;
        }
    }
}
