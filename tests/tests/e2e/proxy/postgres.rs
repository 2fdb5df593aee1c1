//! PostgreSQL's protocol, version 3, as far as it takes to know which statement runs, and when it has committed.
//!
//! After the start each message is a letter, a length, and a body. What a client asks for ends with `Sync` (or is one
//! `Query`), and each of these is answered with a `ReadyForQuery`, which tells whether a transaction is still open.

use std::collections::{HashMap, VecDeque};

use super::{
    failpoint::Points,
    framing::{Framing, Mark, Piece, split_front},
    marks,
    network::Side,
};

/// Asks for encryption, by TLS or by GSS; the server answers with one bare byte.
const ENCRYPT: [u32; 2] = [80_877_103, 80_877_104];
/// Ends another connection's statement; it has no answer.
const CANCEL: u32 = 80_877_102;

#[derive(Debug, Default)]
pub(super) struct Postgres {
    from_client: Vec<u8>,
    from_server: Vec<u8>,
    /// The client has said who it is.
    started: bool,
    /// How many bare bytes the server is going to send.
    bare: usize,
    /// What the prepared statements do, by name.
    statements: HashMap<Vec<u8>, &'static [Mark]>,
    /// What was asked since the last `Sync`.
    asked: Vec<Mark>,
    /// What was asked and not answered, one for each `Sync` and `Query`.
    unanswered: VecDeque<Vec<Mark>>,
    /// What was answered in the transaction that is open.
    open: Vec<Mark>,
    /// Begun answers of interest, until they are complete.
    answer: Vec<u8>,
}

impl Framing for Postgres {
    fn client(&mut self, bytes: &[u8], points: &Points) -> Vec<Piece> {
        self.from_client.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        loop {
            let piece = if self.started {
                let Some(message) = take_message(&mut self.from_client, 1) else { break };
                self.asks(message, points)
            } else {
                let Some(message) = take_message(&mut self.from_client, 0) else { break };
                self.starts(message)
            };
            pieces.push(piece);
        }
        pieces
    }

    fn server(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.from_server.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        loop {
            if self.bare > 0 {
                if self.from_server.is_empty() {
                    break;
                }
                self.bare -= 1;
                pieces.push(Piece::plain(split_front(&mut self.from_server, 1)));
                continue;
            }
            let Some(message) = take_message(&mut self.from_server, 1) else { break };
            pieces.extend(self.answers(message));
        }
        pieces
    }

    fn rest(&mut self, of: Side) -> Vec<u8> {
        match of {
            Side::Client => std::mem::take(&mut self.from_client),
            Side::Server => {
                let mut rest = std::mem::take(&mut self.answer);
                rest.append(&mut self.from_server);
                rest
            }
        }
    }
}

impl Postgres {
    fn starts(&mut self, message: Vec<u8>) -> Piece {
        let code = message.get(4..8).and_then(number).unwrap_or_default();
        if ENCRYPT.contains(&code) {
            self.bare += 1;
        } else if code != CANCEL {
            self.started = true;
        }
        Piece::plain(message)
    }

    fn asks(&mut self, message: Vec<u8>, points: &Points) -> Piece {
        let body = &message[5..];
        let marks = match message[0] {
            // Parse: the name of a statement, and its text.
            b'P' => {
                let (name, rest) = text(body);
                self.statements.insert(name.to_vec(), marks::of_sql(text(rest).0));
                &[]
            }
            // Bind: the name of a portal, and that of a statement.
            b'B' => self.statements.get(text(text(body).1).0).copied().unwrap_or_default(),
            b'Q' => marks::of_sql(text(body).0),
            _ => &[],
        };
        let marks = if marks.is_empty() || !points.means(&message) { &[] } else { marks };
        self.asked.extend_from_slice(marks);
        if matches!(message[0], b'S' | b'Q' | b'F') {
            self.unanswered.push_back(std::mem::take(&mut self.asked));
        }
        Piece { asks: marks.to_vec(), ..Piece::plain(message) }
    }

    /// Passes a message on, or, where it is a part of an answer that matters, keeps it until all of it is there.
    fn answers(&mut self, mut message: Vec<u8>) -> Option<Piece> {
        let ready = message[0] == b'Z';
        let open = ready && message.get(5) != Some(&b'I');
        let matters = self.unanswered.front().is_some_and(|asked| !asked.is_empty()) || !self.open.is_empty();
        if !ready {
            if matters {
                self.answer.append(&mut message);
                return None;
            }
            return Some(Piece::plain(message));
        }
        let answers = self.unanswered.pop_front().unwrap_or_default();
        self.open.extend_from_slice(&answers);
        let commits = if open { Vec::new() } else { std::mem::take(&mut self.open) };
        let mut bytes = std::mem::take(&mut self.answer);
        bytes.append(&mut message);
        Some(Piece { bytes, asks: Vec::new(), answers, commits })
    }
}

/// Takes a message off the buffer: a length, which counts itself, and a body, after so many bytes.
fn take_message(buffer: &mut Vec<u8>, before: usize) -> Option<Vec<u8>> {
    let length = buffer.get(before..before + 4).and_then(number)?;
    let length = before + usize::try_from(length).ok()?;
    (buffer.len() >= length).then(|| split_front(buffer, length))
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The text before the next NUL, and what comes after it.
fn text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
