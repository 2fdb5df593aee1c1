//! Whatever comes in by chance, and whatever is no HTTP at all: the service answers, or closes the connection, and goes on.

use fastrand::Rng;
use serde_json::json;

use crate::{
    bad_input::check_untouched,
    chance,
    http::Answer,
    orders::{line, place},
    place::Place,
    stores::Stores,
    wire::Wire,
};

#[test]
fn requests_with_random_damage_get_an_answer() {
    let mut rng = Rng::with_seed(chance::seed());
    let files = Place::new(Stores::Memory);
    let service = files.start("all");
    let client = service.client();
    let whole = json!({ "order_id": "order-1", "customer_id": "ada", "lines": [line("tea", 2, 350), line("coffee", 1, 99)] }).to_string();
    let mut position = 0;
    for number in 0..2_000 {
        let mut body = whole.replace("order-1", &format!("order-{number}")).into_bytes();
        for _ in 0..rng.usize(1..4) {
            damage(&mut rng, &mut body);
        }
        let told = String::from_utf8_lossy(&body).into_owned();
        let answer = client.post("/orders").body(body).send();
        match answer.status {
            201 => {
                position += 1;
                assert_eq!(answer.json()["position"], position, "{told}: {answer}");
            }
            400 | 422 => drop(answer.problem()),
            // The damage may have made it the id of another order.
            409 => assert_eq!(answer.problem()["code"], "order_already_placed", "{told}: {answer}"),
            _ => panic!("{told}: {answer}"),
        }
    }
    assert_eq!(place(&client, "ada").position, position + 1);
}

fn damage(rng: &mut Rng, body: &mut Vec<u8>) {
    let at = rng.usize(..body.len());
    match rng.u8(..5) {
        0 => body[at] = rng.u8(..),
        1 => drop(body.remove(at)),
        2 => body.insert(at, *rng.choice(b"{}[]\",:0-9e.\\ntu ".as_slice()).unwrap()),
        3 => {
            let piece = body[at..(at + rng.usize(1..20)).min(body.len())].to_vec();
            body.splice(at..at, piece);
        }
        _ => drop(body.drain(at..(at + rng.usize(1..20)).min(body.len() - 1).max(at))),
    }
}

#[test]
fn bytes_that_are_no_http_do_no_harm() {
    let files = Place::new(Stores::Memory);
    let service = files.start("all");
    let long = "x".repeat(1 << 20);
    for bytes in [
        "\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: te\0st\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: test\r\ncontent-length: -1\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: test\r\ncontent-length: x\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        "POST /orders HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "POST /orders HTTP/1.1\r\nhost: test\r\ntransfer-encoding: nonsense\r\n\r\n{}",
        &format!("GET /{long} HTTP/1.1\r\nhost: test\r\n\r\n"),
        &format!("GET / HTTP/1.1\r\nhost: test\r\nx: {long}\r\n\r\n"),
        &format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", "x: y\r\n".repeat(5_000)),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}",
    ] {
        let mut wire = Wire::connect(&service);
        // The service may close the connection before it has read all.
        let sent = wire.send(bytes);
        wire.close_writing();
        let answer = wire.answer("bytes");
        if let (Ok(()), Ok(Answer { status, .. })) = (sent, answer) {
            assert!(
                (400..500).contains(&status) || status == 505,
                "{:?}: {status}",
                &bytes[..bytes.len().min(60)]
            );
        }
    }
    // Half a body, and gone.
    for end in ["", "{", "{\"customer_id\":\"ada\","] {
        let mut wire = Wire::connect(&service);
        wire.send(format!("POST /orders HTTP/1.1\r\nhost: test\r\ncontent-length: 500\r\n\r\n{end}"))
            .unwrap();
        wire.close_writing();
        let rest = wire.rest();
        if let Ok(rest) = rest {
            assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
        }
    }
    check_untouched(&service.client(), 0);
}
