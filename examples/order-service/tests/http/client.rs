use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use cqrs_core::{
    memory::{MemoryEventStore, MemoryViewStore},
    store::{EventStore, ViewStore},
};
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
use http_body_util::BodyExt as _;
use order_service::{Role, Service, http};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A service, and a way to ask it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) service: Service,
    router: Router,
    /// Keeps the files for as long as somebody uses them.
    _files: Option<Arc<TempDir>>,
}

impl Client {
    pub(crate) async fn start(
        role: Role,
        events: Option<Arc<dyn EventStore>>,
        views: Option<Arc<dyn ViewStore>>,
    ) -> Self {
        let service = Service::start(role, events, views).await.expect("starts");
        Self::of(service)
    }

    pub(crate) fn of(service: Service) -> Self {
        Self { router: http::router(&service), service, _files: None }
    }

    pub(crate) async fn in_memory() -> Self {
        let (events, views) = (Arc::new(MemoryEventStore::new()), Arc::new(MemoryViewStore::new()));
        Self::start(Role::All, Some(events), Some(views)).await
    }

    pub(crate) async fn in_files() -> Self {
        let folder = TempDir::new().expect("a folder");
        let events = SqliteEventStore::open(folder.path().join("write.db")).await.expect("opens");
        let views = SqliteViewStore::open(folder.path().join("read.db")).await.expect("opens");
        let started = Self::start(Role::All, Some(Arc::new(events)), Some(Arc::new(views))).await;
        Self { _files: Some(Arc::new(folder)), ..started }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(Duration::from_mins(1), body.collect()).await;
        let body = body.expect("a body that ends").expect("a body in memory").to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Begins to watch.
    pub(crate) async fn watch(&self, path: &str, headers: &[(&str, &str)]) -> Watched {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let (parts, body) =
            self.router.clone().oneshot(request).await.expect("a router always answers").into_parts();
        assert_eq!(parts.status, 200, "{parts:?}");
        Watched { headers: parts.headers, body, read: String::new() }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, path, headers, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.call(Method::POST, path, headers, &body.to_string()).await
    }

    /// Places an order of 2 × 450 cents.
    pub(crate) async fn place(&self, order: &str, customer: &str) -> Reply {
        let placed = self.post("/orders", &order_of(order, customer)).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        placed
    }

    pub(crate) async fn confirm(&self, order: &str) -> Reply {
        self.call(Method::POST, &format!("/orders/{order}/confirm"), &[], "").await
    }

    pub(crate) async fn cancel(&self, order: &str) -> Reply {
        self.post(&format!("/orders/{order}/cancel"), &json!({ "reason": "changed my mind" })).await
    }

    /// Asks for an answer that is at least as fresh as a reply.
    pub(crate) async fn get_after(&self, path: &str, reply: &Reply) -> Reply {
        self.get_with(path, &[("Consistency-Token", &reply.token()), ("Consistency-Timeout", "30s")]).await
    }
}

/// A stream of server-sent events.
pub(crate) struct Watched {
    pub(crate) headers: HeaderMap,
    body: Body,
    read: String,
}

/// A server-sent event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) retry: String,
    data: String,
}

impl Event {
    pub(crate) fn is_comment(&self) -> bool {
        self.name.is_empty() && self.id.is_empty() && self.data.is_empty()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn position(&self) -> u64 {
        self.json()["consistency"]["position"].as_u64().unwrap_or_else(|| panic!("no position: {self:?}"))
    }
}

impl Watched {
    /// The next event or comment; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let block: String = self.read.drain(..end + 2).collect();
                let mut event = Event::default();
                for line in block.trim_end().lines() {
                    let (field, value) = line.split_once(':').expect("a field");
                    let value = value.trim_start();
                    match field {
                        "event" => value.clone_into(&mut event.name),
                        "id" => value.clone_into(&mut event.id),
                        "retry" => value.clone_into(&mut event.retry),
                        "data" => value.clone_into(&mut event.data),
                        "" => {}
                        _ => panic!("{line}"),
                    }
                }
                return Some(event);
            }
            let frame = tokio::time::timeout(Duration::from_mins(5), self.body.frame()).await;
            let frame = frame.expect("something comes in time")?.expect("it is not cut off");
            self.read.push_str(std::str::from_utf8(frame.data_ref().expect("data")).expect("text"));
        }
    }

    /// The next event of that name, as JSON; comments are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Event {
        let late = tokio::time::Instant::now() + Duration::from_mins(5);
        loop {
            assert!(tokio::time::Instant::now() < late, "no event `{name}` comes");
            let event = self.next().await.expect("it goes on");
            if !event.is_comment() {
                assert_eq!(event.name, name, "{event:?}");
                return event;
            }
        }
    }
}

pub(crate) fn order_of(order: &str, customer: &str) -> Value {
    json!({
        "order_id": order,
        "customer_id": customer,
        "lines": [{ "sku": "tea", "quantity": 2, "unit_price_cents": 450 }],
    })
}

/// What the service answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().expect("text")
    }

    pub(crate) fn token(&self) -> String {
        self.header("consistency-token").to_owned()
    }

    /// Checks that this is a whole problem of a kind, and returns it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        problem
    }

    /// The detail of a problem of a kind.
    pub(crate) fn detail(&self, status: u16, code: &str) -> String {
        self.problem(status, code)["detail"].as_str().expect("text").to_owned()
    }
}

/// Writes one test for each store.
macro_rules! on_each_store {
    ($($(#[$attribute:meta])* async fn $name:ident($client:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not each test needs all")]
            use super::*;

            async fn check($client: crate::client::Client) $body

            $(#[$attribute])*
            #[tokio::test]
            async fn in_memory() {
                check(crate::client::Client::in_memory().await).await;
            }

            $(#[$attribute])*
            #[tokio::test]
            async fn in_files() {
                check(crate::client::Client::in_files().await).await;
            }
        }
    )+};
}
pub(crate) use on_each_store;
