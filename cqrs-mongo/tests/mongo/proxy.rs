//! A way to the server on which messages can be held back, cut off, or looked at.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use cqrs_mongo::mongodb::bson::{Document, doc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex as AsyncMutex, watch},
};

/// What is done with the messages that a program sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// Wait until the proxy is told otherwise.
    Hold,
    /// The connection ends instead.
    Cut,
    /// The server's answer is an error of this number.
    Refuse(i32),
}

/// Decides on a message, by its bytes.
type Rule = Arc<dyn Fn(&[u8]) -> Fate + Send + Sync>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    rule: watch::Sender<Rule>,
    held: watch::Receiver<usize>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Proxy {
    /// Passes on everything at first.
    pub(crate) async fn before(server: &str) -> Self {
        let target = address(server);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pass: Rule = Arc::new(|_| Fate::Pass);
        let (rule, rules) = watch::channel(pass);
        let (holding, held) = watch::channel(0);
        let seen = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let messages = Arc::clone(&seen);
        let holding = Arc::new(holding);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (rules, holding, messages) = (rules.clone(), Arc::clone(&holding), Arc::clone(&messages));
                let target = target.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (mut from_server, to_server) = server.into_split();
                    let to_client = Arc::new(AsyncMutex::new(to_client));
                    let answers = Arc::clone(&to_client);
                    let back = tokio::spawn(async move {
                        let mut buffer = vec![0; 64 << 10];
                        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
                            if answers.lock().await.write_all(&buffer[..count]).await.is_err() {
                                return;
                            }
                        }
                    });
                    forward(from_client, to_server, &to_client, rules, &holding, &messages).await;
                    back.abort();
                });
            }
        });
        Self { address, rule, held, seen }
    }

    /// Decides anew on what is held, and from now on.
    pub(crate) fn rule(&self, rule: impl Fn(&[u8]) -> Fate + Send + Sync + 'static) {
        self.rule.send_replace(Arc::new(rule));
    }

    /// Waits until a message is held.
    pub(crate) async fn holds(&mut self) {
        self.held.wait_for(|held| *held > 0).await.unwrap();
    }

    /// The commands that have been passed on.
    pub(crate) fn seen(&self) -> Vec<Document> {
        // A message's head has 16 bytes; then come its flags, and the kind of its first section, which is the command.
        let command = |message: &Vec<u8>| {
            let mut rest = message.get(21..)?;
            Document::from_reader(&mut rest).ok()
        };
        self.seen.lock().unwrap().iter().filter_map(command).collect()
    }

    /// The URL of a database behind it. A driver that finds a replica set would go to its members directly.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mongodb://{}/{database}?directConnection=true", self.address)
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    to_client: &AsyncMutex<impl AsyncWriteExt + Unpin>,
    mut rules: watch::Receiver<Rule>,
    holding: &watch::Sender<usize>,
    seen: &Mutex<Vec<Vec<u8>>>,
) {
    loop {
        let mut length = [0; 4];
        if from.read_exact(&mut length).await.is_err() {
            return;
        }
        let size = usize::try_from(u32::from_le_bytes(length)).unwrap();
        let mut message = length.to_vec();
        message.resize(size, 0);
        if from.read_exact(&mut message[4..]).await.is_err() {
            return;
        }
        let decide = |rules: &mut watch::Receiver<Rule>| {
            let rule = Arc::clone(&rules.borrow_and_update());
            rule(&message)
        };
        let mut fate = decide(&mut rules);
        if fate == Fate::Hold {
            holding.send_modify(|held| *held += 1);
            while fate == Fate::Hold {
                if rules.changed().await.is_err() {
                    return;
                }
                fate = decide(&mut rules);
            }
            holding.send_modify(|held| *held -= 1);
        }
        if fate == Fate::Cut {
            return;
        }
        if let Fate::Refuse(code) = fate {
            if to_client.lock().await.write_all(&refusal(&message, code)).await.is_err() {
                return;
            }
            continue;
        }
        seen.lock().unwrap().push(message.clone());
        if to.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// The answer to a message: the length of all, a number of its own, the one of the message, the kind, flags, and a document.
fn refusal(message: &[u8], code: i32) -> Vec<u8> {
    const OP_MSG: u32 = 2013;
    let said = doc! { "ok": 0, "code": code, "codeName": "Refused", "errmsg": "not authorized on it" }
        .to_vec()
        .unwrap();
    let length = u32::try_from(21 + said.len()).unwrap();
    let head = [&length.to_le_bytes(), &[0; 4], &message[4..8], &OP_MSG.to_le_bytes(), &[0; 4]].concat();
    [&head, &[0][..], &said].concat()
}

/// The address of the first server that a URL names.
fn address(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    let hosts = rest.split(['/', '?']).next().unwrap();
    let host = hosts.rsplit('@').next().unwrap().split(',').next().unwrap();
    if host.contains(':') { host.to_owned() } else { format!("{host}:27017") }
}

/// Whether a message has this text.
pub(crate) fn has(message: &[u8], text: &str) -> bool {
    text.is_empty() || message.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

/// Whether a message is this command on this collection: the command's name is the first in a message's body, after its
/// header, flags, the kind of the section, the length of the document and the type of the element.
pub(crate) fn is(message: &[u8], command: &str, collection: &str) -> bool {
    let name = [command.as_bytes(), b"\0"].concat();
    message.get(26..).is_some_and(|body| body.starts_with(&name)) && has(message, collection)
}
