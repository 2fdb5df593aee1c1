//! The service as a process, on the stores that it has by itself, or that the environment names.
//!
//! Files are in a folder of the test's own. What is stored elsewhere stays, so each order has an id of its own.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{Agent, http::Response};

/// A running service. It ends with its handle.
struct Service {
    process: Child,
    url: String,
    agent: Agent,
    _folder: TempDir,
}

impl Service {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_order-service"))
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").expect("it says where it listens").to_owned();
        let timeout = Some(Duration::from_mins(1));
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(timeout).build();
        Self { process, url, agent: agent.new_agent(), _folder: folder }
    }

    /// Sends a command, and returns the answer's body and its token.
    fn post(&self, path: &str, body: &Value) -> (u16, Value, String) {
        let request = self.agent.post(format!("{}{path}", self.url)).content_type("application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let token = header(&answer, "consistency-token");
        (answer.status().as_u16(), body_of(&mut answer), token)
    }

    /// Asks for an answer that is at least as fresh as the token.
    fn get(&self, path: &str, token: &str) -> Value {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request.header("consistency-token", token).header("consistency-timeout", "30s");
        let mut answer = request.call().unwrap();
        let body = body_of(&mut answer);
        assert_eq!(answer.status(), 200, "{body}");
        body
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<_> = self.process.wait();
    }
}

fn header<B>(answer: &Response<B>, name: &str) -> String {
    answer.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

fn body_of(answer: &mut Response<ureq::Body>) -> Value {
    let text = answer.body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_order_is_placed_confirmed_and_shown() {
    let service = Service::start();
    let lines = json!([{ "sku": "tea", "quantity": 2, "unit_price_cents": 450 }]);
    let (status, placed, token) =
        service.post("/orders", &json!({ "customer_id": "ada", "lines": lines.clone() }));
    assert_eq!((status, &placed["version"]), (201, &json!(1)), "{placed}");

    let path = format!("/orders/{}", placed["order_id"].as_str().unwrap());
    let order = service.get(&path, &token);
    assert_eq!((&order["status"], &order["total_cents"]), (&json!("placed"), &json!(900)), "{order}");
    assert_eq!(order["lines"], lines);

    let confirm = format!("{path}/confirm");
    let (status, confirmed, token) = service.post(&confirm, &json!({}));
    assert_eq!((status, &confirmed["version"]), (200, &json!(2)), "{confirmed}");
    assert_eq!(service.get(&path, &token)["status"], "confirmed");
    let (status, problem, _) = service.post(&confirm, &json!({}));
    assert_eq!((status, &problem["code"]), (409, &json!("order_already_confirmed")), "{problem}");

    let history = service.get(&format!("{path}/history"), &token);
    let types: Vec<_> =
        history["events"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["order_placed", "order_confirmed"]);
}
