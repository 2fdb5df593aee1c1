//! MongoDB's messages, as far as it takes to know which command goes to which collection.
//!
//! Each message is a length, an id, the id of the message that it answers, an operation, and a body. A command is an
//! `OP_MSG`: flags, then sections, of which the one of kind 0 holds a document whose first field is the command's name
//! and, for what works on a collection, its value the collection's.

use std::collections::HashMap;

use super::{
    failpoint::Points,
    framing::{Framing, Mark, Piece, contains, split_front},
    marks,
    network::Side,
};

const HEADER: usize = 16;
const OP_MSG: u32 = 2013;
const STRING: u8 = 2;
/// A field of the type document.
const SESSION: &[u8] = b"\x03lsid\0";
/// A field of the type boolean.
const IN_TRANSACTION: &[u8] = b"\x08autocommit\0\0";

#[derive(Debug, Default)]
pub(super) struct Mongo {
    from_client: Vec<u8>,
    from_server: Vec<u8>,
    unanswered: HashMap<u32, Asked>,
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
struct Asked {
    mark: Mark,
    /// When it is answered, it is there to stay: it is none of a transaction, or ends one.
    commits: bool,
}

impl Framing for Mongo {
    fn client(&mut self, bytes: &[u8], points: &Points) -> Vec<Piece> {
        self.from_client.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(message) = take_message(&mut self.from_client) {
            let asked = asks(&message, points);
            if let (Some(asked), Some(id)) = (asked, number(&message, 4)) {
                self.unanswered.insert(id, asked);
            }
            pieces
                .push(Piece { asks: Vec::from_iter(asked.map(|asked| asked.mark)), ..Piece::plain(message) });
        }
        pieces
    }

    fn server(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.from_server.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(message) = take_message(&mut self.from_server) {
            let answered = number(&message, 8).and_then(|id| self.unanswered.remove(&id));
            let answers = Vec::from_iter(answered.map(|asked| asked.mark));
            let commits = Vec::from_iter(answered.filter(|asked| asked.commits).map(|asked| asked.mark));
            pieces.push(Piece { answers, commits, ..Piece::plain(message) });
        }
        pieces
    }

    fn rest(&mut self, of: Side) -> Vec<u8> {
        match of {
            Side::Client => std::mem::take(&mut self.from_client),
            Side::Server => std::mem::take(&mut self.from_server),
        }
    }
}

fn take_message(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::try_from(number(buffer, 0)?).ok()?.max(HEADER);
    (buffer.len() >= length).then(|| split_front(buffer, length))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// What a command does, where that is what an armed point means. In a transaction, the checkpoint is written when the
/// transaction is committed.
fn asks(message: &[u8], points: &Points) -> Option<Asked> {
    let (name, collection) = command(message)?;
    if name == b"commitTransaction" {
        let meant = points.take_session(session(message)?);
        return meant.then_some(Asked { mark: Mark::Checkpoint, commits: true });
    }
    let mark = marks::of_command(name, collection).filter(|_| points.means(message))?;
    if !contains(message, IN_TRANSACTION) {
        return Some(Asked { mark, commits: true });
    }
    if mark == Mark::Checkpoint {
        return None;
    }
    points.note_session(session(message)?);
    Some(Asked { mark, commits: false })
}

/// The id of a command's session.
fn session(message: &[u8]) -> Option<&[u8]> {
    let at = message.windows(SESSION.len()).position(|window| window == SESSION)?;
    // The length of the document, the kind and the name of its one field, and the length and the kind of its value.
    let id = at + SESSION.len() + 4 + 1 + 3 + 4 + 1;
    message.get(id..id + 16)
}

/// The name of a command, and of the collection that it works on.
fn command(message: &[u8]) -> Option<(&[u8], &[u8])> {
    if number(message, 12)? != OP_MSG {
        return None;
    }
    let mut section = message.get(HEADER + 4..)?;
    while let Some((kind, rest)) = section.split_first() {
        if *kind == 0 {
            return first_field(rest);
        }
        section = rest.get(usize::try_from(number(rest, 0)?).ok()?..)?;
    }
    None
}

/// Name and value of a document's first field, where that is a string.
fn first_field(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let (kind, rest) = document.get(4..)?.split_first()?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, value) = (&rest[..end], &rest[end + 1..]);
    if *kind != STRING {
        return Some((name, b""));
    }
    let length = usize::try_from(number(value, 0)?).ok()?;
    Some((name, value.get(4..4 + length.checked_sub(1)?)?))
}
