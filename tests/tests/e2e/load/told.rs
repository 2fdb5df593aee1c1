//! Commands, and what became of them as far as clients know.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Client};

/// A service answers within 10 s, whatever is away; twice that is a request that hangs.
const HUNG: Duration = Duration::from_secs(20);

/// A command, which can be sent again with the same key.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) body: String,
    pub(super) version: Option<u64>,
}

impl Sent {
    /// Sends it; without an answer where the connection breaks.
    pub(super) fn try_send(&self, client: &Client) -> Option<Answer> {
        let request = client.post(&self.path).key(&self.key).body(self.body.as_str());
        let request = match self.version {
            Some(version) => request.header("if-match", format!("\"{version}\"")),
            None => request,
        };
        let started = Instant::now();
        let answer = request.try_send().ok();
        let took = started.elapsed();
        assert!(took < HUNG, "{took:?} until the answer to {self:?}: {answer:?}");
        answer
    }
}

/// A command, and what a client knows of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(super) sent: Sent,
    /// Unknown, where the client gave up.
    pub(super) answer: Option<Answer>,
    pub(super) event: &'static str,
    /// What the event's data must hold.
    pub(super) data: Value,
}

impl Told {
    pub(super) fn body(&self) -> Option<Value> {
        self.answer.as_ref().map(Answer::json)
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.answer.is_some()
    }
}
