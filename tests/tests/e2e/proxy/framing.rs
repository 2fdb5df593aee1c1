//! What every protocol comes down to.

use super::failpoint::Points;

/// What a request does, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Appends events.
    Append,
    /// Writes documents of a projection.
    Documents,
    /// Writes a projection's checkpoint.
    Checkpoint,
}

/// A stretch of bytes that is passed on as one, and what it is.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// A request of these kinds.
    pub(super) asks: Vec<Mark>,
    /// The answer to requests of these kinds.
    pub(super) answers: Vec<Mark>,
    /// What these requests wrote is now there to stay.
    pub(super) commits: Vec<Mark>,
}

impl Piece {
    pub(super) fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// Cuts the two streams of a connection into pieces.
pub(super) trait Framing: Send {
    /// Takes what the client has sent.
    fn client(&mut self, bytes: &[u8], points: &Points) -> Vec<Piece>;

    /// Takes what the server has sent.
    fn server(&mut self, bytes: &[u8]) -> Vec<Piece>;

    /// What a stream that has ended leaves: half a message, or an answer without an end.
    fn rest(&mut self, of: super::Side) -> Vec<u8>;
}

/// Passes everything on as it comes.
#[derive(Debug)]
pub(super) struct Opaque;

impl Framing for Opaque {
    fn client(&mut self, bytes: &[u8], _: &Points) -> Vec<Piece> {
        vec![Piece::plain(bytes.to_vec())]
    }

    fn server(&mut self, bytes: &[u8]) -> Vec<Piece> {
        vec![Piece::plain(bytes.to_vec())]
    }

    fn rest(&mut self, _: super::Side) -> Vec<u8> {
        Vec::new()
    }
}

/// Takes the first bytes off a buffer.
pub(super) fn split_front(buffer: &mut Vec<u8>, length: usize) -> Vec<u8> {
    let rest = buffer.split_off(length);
    std::mem::replace(buffer, rest)
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}
