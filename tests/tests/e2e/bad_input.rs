//! Whatever comes in, what goes out is an answer, and the service goes on.

use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    http::Client,
    orders::{line, order_of, place},
    place::Place,
    stores::Stores,
    wire::Wire,
};

/// The service is well, and the log is where it was.
#[track_caller]
pub(crate) fn check_untouched(client: &Client, head: u64) {
    assert_eq!(place(client, "ada").position, head + 1, "what is refused adds nothing");
}

on_each_store! {
    what_is_no_json_is_refused,
    json_of_another_shape_is_refused_and_the_field_is_named,
    deep_json_is_refused_and_not_followed,
    a_huge_body_is_refused,
    an_id_that_is_none_is_refused_in_every_path,
    headers_that_are_none_are_refused,
    what_is_not_there_is_not_found,
    another_method_is_not_allowed_and_the_right_ones_are_named,
    a_connection_lives_on_after_errors,
}

fn what_is_no_json_is_refused(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    let cancel = format!("{}/cancel", order.path());
    let whole = order_of("ada").to_string();
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "[",
        "nonsense",
        "{'customer_id':'ada'}",
        "{\"customer_id\":}",
        "{\"a\":1,}",
        "[1,]",
        "{} {}",
        "NaN",
        "-",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "\"",
        "\"\\x\"",
        "\"\n\"",
        "tru",
        "nul",
        "{1:2}",
        "{\"a\" 1}",
        "\u{feff}{}",
        "<order/>",
        "customer_id=ada",
        "/* c */ {}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.extend([b"\xff\xfe".to_vec(), b"{\"customer_id\":\"\xff\"}".to_vec(), vec![0; 10]]);
    bodies.extend((1..whole.len()).step_by(5).map(|end| whole.as_bytes()[..end].to_vec()));
    bodies.push([whole.as_bytes(), b"x"].concat());
    for body in bodies {
        let told = String::from_utf8_lossy(&body).into_owned();
        for path in ["/orders", &cancel] {
            let answer = client.post(path).body(body.clone()).send();
            assert_eq!(
                (answer.status, &answer.problem()["code"]),
                (400, &json!("bad_json")),
                "{told:?} to {path}: {answer}"
            );
        }
    }
    check_untouched(&client, order.position);
}

fn json_of_another_shape_is_refused_and_the_field_is_named(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    for (body, field) in wrong_orders() {
        let answer = client.post("/orders").json(&body).send();
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid_order")), "{body}: {answer}");
        assert!(problem["detail"].as_str().unwrap().contains(field), "{field} in {body}: {problem}");
    }
    // Half of a surrogate pair is JSON, but no text.
    let half = r#"{"customer_id":"\ud800","lines":[{"sku":"tea","quantity":1,"unit_price_cents":1}]}"#;
    let problem = client.post("/orders").body(half).problem(422, "invalid_order");
    assert!(problem["detail"].as_str().unwrap().contains("customer_id"), "{problem}");
    let cancel = format!("{}/cancel", order.path());
    for (body, field) in [
        (json!({}), "reason"),
        (json!([]), ""),
        (json!(null), ""),
        (json!("no"), ""),
        (json!({ "reason": null }), "reason"),
        (json!({ "reason": 5 }), "reason"),
        (json!({ "reason": ["no"] }), "reason"),
        (json!({ "reason": {} }), "reason"),
    ] {
        let answer = client.post(&cancel).json(&body).send();
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid_order")), "{body}: {answer}");
        assert!(problem["detail"].as_str().unwrap().contains(field), "{field} in {body}: {problem}");
    }
    check_untouched(&client, order.position);
}

fn deep_json_is_refused_and_not_followed(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    for depth in [200, 10_000, 500_000] {
        for body in [
            "[".repeat(depth),
            format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
            format!("{{\"customer_id\":\"ada\",\"lines\":{}{}}}", "[".repeat(depth), "]".repeat(depth)),
            "{\"a\":".repeat(depth.min(150_000)),
            format!(
                "{{\"customer_id\":\"ada\",\"lines\":[],\"extra\":{}1{}}}",
                "[".repeat(depth),
                "]".repeat(depth)
            ),
        ] {
            let answer = client.post("/orders").body(body).send();
            answer.problem();
            assert!([400, 422].contains(&answer.status), "{depth}: {answer}");
        }
    }
    check_untouched(&client, 0);
}

fn a_huge_body_is_refused(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    for length in [(1 << 20) + 1, 2 << 20, 8 << 20] {
        for path in ["/orders", &format!("{}/confirm", order.path()), &format!("{}/cancel", order.path())] {
            client.post(path).body(vec![b' '; length]).problem(413, "body_too_large");
        }
    }
    // Announced, but never sent; and sent in pieces, without a length.
    let mut wire = Wire::connect(&service);
    wire.send(
        "POST /orders HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n",
    )
    .unwrap();
    let answer = wire.answer("a body of 99999999999 bytes").unwrap();
    assert_eq!(answer.problem()["code"], "body_too_large");
    let mut wire = Wire::connect(&service);
    wire.send("POST /orders HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..33 {
        wire.send(format!("8000\r\n{}\r\n", " ".repeat(0x8000))).unwrap();
    }
    wire.send("0\r\n\r\n").unwrap();
    assert_eq!(wire.answer("a body in pieces").unwrap().problem()["code"], "body_too_large");
    check_untouched(&client, order.position);
}

fn an_id_that_is_none_is_refused_in_every_path(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let long = "x".repeat(129);
    let longer = "x".repeat(4_000);
    for id in [
        "a%20b",
        "%C3%A4",
        "%F0%9F%8D%B5",
        "%FF",
        "%C0%AF",
        "a%2Fb",
        "%00",
        "a%0Ab",
        "%25",
        "a+b",
        "a,b",
        "a:b",
        "a@b",
        "~a",
        "*",
        "!",
        "a;b",
        "%3Cscript%3E",
        "a'b",
        "a%22b",
        "%D9%A1",
        "$a",
        "a%zz",
        "%",
        "%4",
        &long,
        &longer,
    ] {
        for path in [
            format!("/orders/{id}"),
            format!("/orders/{id}/history"),
            format!("/customers/{id}"),
            format!("/customers/{id}/orders"),
        ] {
            let answer = Wire::connect(&service).request(&format!("GET {path}"), &[], b"");
            assert_eq!((answer.status, &answer.problem()["code"]), (400, &json!("bad_id")), "{answer}");
        }
        for (path, body) in
            [(format!("/orders/{id}/confirm"), ""), (format!("/orders/{id}/cancel"), "{\"reason\":\"no\"}")]
        {
            let answer = Wire::connect(&service).request(&format!("POST {path}"), &[], body.as_bytes());
            assert_eq!((answer.status, &answer.problem()["code"]), (400, &json!("bad_id")), "{answer}");
        }
    }
    check_untouched(&client, 0);
}

fn headers_that_are_none_are_refused(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let order = place(&client, "ada");
    let confirm = format!("{}/confirm", order.path());
    let refused = |name: &str, value: &[u8]| {
        let answer = client.post(&confirm).header(name, value).send();
        let problem = answer.problem();
        assert_eq!(answer.status, 400, "{name}: {value:?}: {answer}");
        assert!(problem["detail"].as_str().unwrap().to_lowercase().contains(name), "{problem}");
    };
    for bad in [
        "",
        "1",
        "\"\"",
        "\"x\"",
        "\"-1\"",
        "\"+1\"",
        "\"1.0\"",
        "W/\"1\"",
        "\"1\", \"2\"",
        "\"1",
        "'1'",
        "\"1\"\"",
        "\"99999999999999999999999\"",
    ] {
        refused("if-match", bad.as_bytes());
    }
    let long = "k".repeat(100_000 / 16);
    for bad in [b"" as &[u8], b" ", b"\xff\xfe", b"\xc3\xa4", long.as_bytes()] {
        refused("idempotency-key", bad);
    }
    let twice = client.post(&confirm).key("one").key("two").send();
    assert_eq!((twice.status, &twice.problem()["code"]), (400, &json!("bad_idempotency_key")), "{twice}");
    let twice = client.post(&confirm).header("if-match", "\"1\"").header("if-match", "\"2\"").send();
    assert_eq!((twice.status, &twice.problem()["code"]), (400, &json!("bad_if_match")), "{twice}");
    check_untouched(&client, order.position);
}

fn what_is_not_there_is_not_found(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    for path in [
        "/nothing",
        "/orders/a/b",
        "/orders/a/confirm/b",
        "/orders/",
        "/customers",
        "/customers/",
        "/customers/a/orders/b",
        "/health",
        "/health/",
        "/health/ready/",
        "/openapi",
        "/index.html",
        "//",
        "/%2e%2e/etc/passwd",
        "/orders//confirm/x",
        "/ORDERS/a",
    ] {
        for method in ["GET", "POST"] {
            let answer = Wire::connect(&service).request(&format!("{method} {path}"), &[], b"");
            assert_eq!((answer.status, &answer.problem()["code"]), (404, &json!("not_found")), "{answer}");
        }
    }
}

fn another_method_is_not_allowed_and_the_right_ones_are_named(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let client = service.client();
    let routes = [
        ("/orders", "POST"),
        ("/orders/a/confirm", "POST"),
        ("/orders/a/cancel", "POST"),
        ("/orders/a", "GET"),
        ("/orders/a/history", "GET"),
        ("/customers/a", "GET"),
        ("/customers/a/orders", "GET"),
        ("/health/live", "GET"),
        ("/health/ready", "GET"),
        ("/openapi.json", "GET"),
    ];
    for (path, allowed) in routes {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if method == allowed {
                continue;
            }
            let answer = client.request(Method::from_bytes(method.as_bytes()).unwrap(), path).send();
            assert_eq!(
                (answer.status, &answer.problem()["code"]),
                (405, &json!("method_not_allowed")),
                "{answer}"
            );
            let named: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            assert!(named.contains(&allowed), "{answer}");
        }
    }
}

fn a_connection_lives_on_after_errors(stores: Stores) {
    let files = Place::new(stores);
    let service = files.start("all");
    let mut wire = Wire::connect(&service);
    let good = order_of("ada").to_string();
    let json = [("content-type", "application/json")];
    for round in 1..=20 {
        let mut expect = |line: &str, body: &[u8], status: u16| {
            let answer = wire.request(line, &json, body);
            assert_eq!(answer.status, status, "{answer}");
            answer
        };
        expect("POST /orders", b"{", 400);
        expect("POST /orders", b"{}", 422);
        expect("GET /nothing", b"a body that nobody reads", 404);
        expect("PUT /orders", good.as_bytes(), 405);
        expect("GET /orders/a%20b", b"", 400);
        expect("GET /orders/nobody", b"", 404);
        expect("POST /orders/nobody/confirm", b"", 404);
        expect("POST /orders", &vec![b' '; (1 << 20) + 1], 413);
        let placed = expect("POST /orders", good.as_bytes(), 201);
        assert_eq!(placed.json()["position"], round, "{placed}");
    }
}

/// Orders that are none, and what is wrong with them.
fn wrong_orders() -> Vec<(Value, &'static str)> {
    let (ada, lines, tea) = (json!("ada"), json!([line("tea", 1, 100)]), line("tea", 1, 100));
    let mut wrong = Vec::new();
    wrong.extend(
        [json!([]), json!(null), json!(true), json!(5), json!("order"), json!([ada, lines])]
            .map(|body| (body, "")),
    );
    wrong.push((json!({ "lines": lines }), "customer_id"));
    wrong.push((json!({ "customer_id": ada }), "lines"));
    let long = "x".repeat(129);
    let ids = [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!(" "),
        json!("a b"),
        json!("a/b"),
        json!("ä"),
        json!("a\u{0}"),
        json!("a\n"),
        json!("🍵"),
        json!("١"),
        json!(long),
    ];
    for id in &ids {
        wrong.push((json!({ "customer_id": id, "lines": lines }), "customer_id"));
        let mut line = tea.clone();
        line["sku"] = id.clone();
        wrong.push((json!({ "customer_id": ada, "lines": [line] }), "sku"));
        if !id.is_null() {
            wrong.push((json!({ "order_id": id, "customer_id": ada, "lines": lines }), "order_id"));
        }
    }
    for bad in [
        json!(null),
        json!({}),
        json!("tea"),
        json!(5),
        json!([]),
        json!([null]),
        json!([5]),
        json!(["tea"]),
        json!([[]]),
        json!([["tea", 1, 100]]),
    ] {
        wrong.push((json!({ "customer_id": ada, "lines": bad }), "lines"));
    }
    for field in ["sku", "quantity", "unit_price_cents"] {
        let mut line = tea.clone();
        line.as_object_mut().unwrap().remove(field);
        wrong.push((json!({ "customer_id": ada, "lines": [tea, line] }), field));
    }
    let texts = [json!(null), json!("1"), json!(1.5), json!(true), json!([1]), json!({})];
    for bad in texts.iter().chain(&[json!(0), json!(-1), json!(4_294_967_296_i64), json!(1e30)]) {
        let mut line = tea.clone();
        line["quantity"] = bad.clone();
        wrong.push((json!({ "customer_id": ada, "lines": [line] }), "quantity"));
    }
    for bad in
        texts.iter().chain(&[json!(-1), json!(i64::MIN), json!(9_223_372_036_854_775_808_u64), json!(1e30)])
    {
        let mut line = tea.clone();
        line["unit_price_cents"] = bad.clone();
        wrong.push((json!({ "customer_id": ada, "lines": [line] }), "unit_price_cents"));
    }
    wrong.push((json!({ "customer_id": ada, "lines": [line("tea", 2, i64::MAX)] }), "total"));
    wrong.push((
        json!({ "customer_id": ada, "lines": [line("tea", 1, i64::MAX), line("tea", 1, 1)] }),
        "total",
    ));
    wrong.push((json!({ "customer_id": ada, "lines": [line("tea", 4_294_967_295, i64::MAX)] }), "total"));
    wrong
}
