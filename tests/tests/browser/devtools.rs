//! Drives a tab over the protocol of its developer tools.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::deadline::eventually;

/// A tab, and what has happened in it.
#[derive(Debug)]
pub(crate) struct Tab {
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    calls: u64,
    events: Vec<Value>,
}

impl Tab {
    pub(crate) fn open(socket: WebSocket<TcpStream>, url: &str) -> Self {
        let mut tab = Self { socket, session: None, calls: 0, events: Vec::new() };
        let target = tab.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].take();
        let attached = tab.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        tab.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), &json!({}));
        }
        let opened = tab.call("Page.navigate", &json!({ "url": url }));
        assert_eq!(opened["errorText"], Value::Null, "{url}");
        tab.wait(
            "the page is loaded",
            "document.readyState === 'complete' && location.href !== 'about:blank'",
        );
        tab
    }

    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut call = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.socket.send(Message::text(call.to_string())).expect("the browser listens");
        loop {
            let message = self.socket.read().expect("the browser answers");
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text).expect("the browser speaks JSON");
            if message["id"] == id {
                assert_eq!(message["error"], Value::Null, "{method} {params}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", &params);
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// What a person reads in an element.
    #[track_caller]
    pub(crate) fn text(&mut self, element: &str) -> String {
        self.value(&format!("{element}.innerText")).as_str().expect("text").to_owned()
    }

    /// Waits until a condition holds in the page.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, condition: &str) {
        eventually(what, || (self.value(&format!("Boolean({condition})")) == true).then_some(()));
    }

    /// Clicks with the mouse into the middle of an element, once it is there, stands still, and nothing covers it.
    #[track_caller]
    pub(crate) fn click(&mut self, element: &str) {
        let find = format!(
            "(async () => {{
                const it = {element};
                if (!it || it.disabled) return null;
                it.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const frame = () => new Promise(requestAnimationFrame);
                const box = () => {{ const {{ x, y, width, height }} = it.getBoundingClientRect(); return [x + width / 2, y + height / 2]; }};
                await frame();
                const before = box();
                await frame();
                const [x, y] = box();
                if (!it.isConnected || x !== before[0] || y !== before[1]) return null;
                const top = document.elementFromPoint(x, y);
                return top && (top === it || it.contains(top)) ? {{ x, y }} : null;
            }})()"
        );
        let place = eventually(&format!("{element} can be clicked"), || {
            Some(self.value(&find)).filter(|it| !it.is_null())
        });
        for (event, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            let params = json!({
                "type": event, "x": place["x"], "y": place["y"], "button": "left", "buttons": buttons, "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", &params);
        }
    }

    /// Clicks into a field and types over what it holds.
    #[track_caller]
    pub(crate) fn fill(&mut self, field: &str, text: &str) {
        self.click(field);
        self.value(&format!("{field}.select()"));
        self.call("Input.insertText", &json!({ "text": text }));
        assert_eq!(self.value(&format!("{field}.value")), text);
    }

    /// What the page has asked for, by URL.
    pub(crate) fn requests(&self) -> Vec<&str> {
        self.events_named("Network.requestWillBeSent")
            .filter_map(|it| it["request"]["url"].as_str())
            .collect()
    }

    /// Exceptions that nobody has caught, and what the browser refused to do for the page.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let thrown = self.events_named("Runtime.exceptionThrown").map(ToString::to_string);
        let logged = self.events_named("Log.entryAdded").map(|it| &it["entry"]);
        // An answer that is an error is one of the service's, and no mistake of the page.
        let logged = logged.filter(|it| it["level"] == "error" && it["source"] != "network");
        thrown.chain(logged.map(ToString::to_string)).collect()
    }

    fn events_named(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["method"] == name).map(|event| &event["params"])
    }
}
