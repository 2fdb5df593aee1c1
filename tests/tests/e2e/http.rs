//! Speaks HTTP to a service.

use std::{fmt, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::{HeaderMap, Method, Request as HttpRequest, request::Builder},
};

use crate::deadline::DEADLINE;

/// A client with connections that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .proxy(None)
            // A request that hangs is an error.
            .timeout_global(Some(DEADLINE))
            .timeout_connect(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Self { agent, url: url.to_owned() }
    }

    /// The same client, on a service that may have moved.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { agent: self.agent.clone(), url: url.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<'_> {
        let what = format!("{method} {path}");
        let builder = HttpRequest::builder().method(method).uri(format!("{}{path}", self.url));
        Request { agent: &self.agent, builder, body: None, what }
    }
}

#[must_use = "a request does nothing until it is sent"]
pub(crate) struct Request<'c> {
    agent: &'c Agent,
    builder: Builder,
    body: Option<Vec<u8>>,
    what: String,
}

impl Request<'_> {
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self { builder: self.builder.header(name, value.as_ref()), ..self }
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Asks for an answer that is at least that fresh, and waits for long.
    pub(crate) fn at_least(self, token: &str) -> Self {
        self.header("consistency-token", token).header("consistency-timeout", "30s")
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }.header("content-type", "application/json")
    }

    /// Sends it. An error is one of the connection: every status is an answer.
    pub(crate) fn try_send(self) -> Result<Answer, ureq::Error> {
        let Self { agent, builder, body, what } = self;
        let response = match body {
            Some(body) => agent.run(builder.body(body)?)?,
            None => {
                let takes_body = builder
                    .method_ref()
                    .is_some_and(|method| [Method::POST, Method::PUT, Method::PATCH].contains(method));
                if takes_body {
                    // Says that it is empty, where the client would send the end of nothing after the head. A service
                    // that answers before the end of a body has come closes the connection.
                    agent.run(builder.body(&[] as &[u8])?)?
                } else {
                    agent.run(builder.body(())?)?
                }
            }
        };
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec()?;
        Ok(Answer { what, status: parts.status.as_u16(), headers: parts.headers, body })
    }

    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let what = self.what.clone();
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it, and leaves the body to be read while it comes; the status has to be 200.
    #[track_caller]
    pub(crate) fn open(self) -> (HeaderMap, ureq::BodyReader<'static>) {
        let Self { agent, builder, body, what } = self;
        assert!(body.is_none(), "{what} has a body");
        let response =
            agent.run(builder.body(()).expect("a request")).unwrap_or_else(|error| panic!("{what}: {error}"));
        let (parts, body) = response.into_parts();
        assert_eq!(parts.status, 200, "{what}: {:?}", parts.headers);
        (parts.headers, body.into_reader())
    }

    /// Sends it, and checks that it is answered with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer}");
        answer
    }

    /// Sends it, and checks that it is answered with this problem.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.send();
        let problem = answer.problem();
        assert_eq!((answer.status, problem["code"].as_str()), (status, Some(code)), "{answer}");
        problem
    }
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) what: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type").split(';').next(), Some("application/json"), "{self}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self}\nis no JSON: {error}"))
    }

    /// A header that is there just once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "`{name}` in {self}");
        values[0].to_str().unwrap_or_else(|error| panic!("{self}\n`{name}`: {error}"))
    }

    /// Where a command's answer, or a query's, stands in the log.
    #[track_caller]
    pub(crate) fn token(&self) -> &str {
        self.header("consistency-token")
    }

    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.header(name).parse().unwrap_or_else(|error| panic!("{self}\n`{name}`: {error}"))
    }

    /// An error as RFC 9457 has it, with all that every error has.
    #[track_caller]
    pub(crate) fn problem(&self) -> Value {
        assert!(self.status >= 400, "{self}");
        assert_eq!(self.header("content-type").split(';').next(), Some("application/problem+json"), "{self}");
        let problem: Value =
            serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self}\nis no JSON: {error}"));
        assert_eq!(problem["status"], self.status, "{self}");
        for member in ["type", "title", "detail", "code"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "`{member}` in {self}");
        }
        let code = problem["code"].as_str().unwrap_or_default();
        assert!(code.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_'), "{self}");
        problem
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nHTTP {}", self.what, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        let body = String::from_utf8_lossy(&self.body);
        f.write_str(body.get(..2_000).unwrap_or(&body))
    }
}
