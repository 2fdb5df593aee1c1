//! Failpoints in PostgreSQL's protocol.

use std::{io::Write as _, net::TcpStream};

use super::{
    super::{Failpoint, Protocol},
    Scene, arrives, is_reset, is_silent, passes,
};

/// The statement that this proxy takes for an append.
const APPEND: &str = "SELECT known_commands FROM \"cqrs\".append($1)";
const OTHER: &str = "SELECT 1";

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

/// Runs a statement with the first portal.
fn run(name: &str, value: &str) -> Vec<u8> {
    let bind = message(b'B', format!("\0{name}\0\0\0\0\x01\0\0\0\x05{value}\0\0").as_bytes());
    [bind, message(b'E', b"\0\0\0\0\0"), sync()].concat()
}

fn sync() -> Vec<u8> {
    message(b'S', b"")
}

fn done(state: u8) -> Vec<u8> {
    [message(b'2', b""), message(b'D', b"\0\x01\0\0\0\x01x"), message(b'C', b"SELECT 1\0"), ready(state)]
        .concat()
}

fn ready(state: u8) -> Vec<u8> {
    message(b'Z', &[state])
}

/// Says hello as clients do that would rather have encryption, and prepares two statements.
fn begin(scene: &Scene) -> (TcpStream, TcpStream) {
    let (client, server) = scene.connect();
    passes(&client, &server, &[8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat());
    passes(&server, &client, b"N");
    let hello = b"\0\x03\0\0user\0ada\0\0";
    passes(&client, &server, &[&u32::to_be_bytes(18)[..], hello].concat());
    passes(&server, &client, &[message(b'R', &[0; 4]), message(b'S', b"a\0b\0"), ready(b'I')].concat());
    let prepare = [parse("s1", OTHER), parse("s2", APPEND), message(b'D', b"Ss2\0"), sync()].concat();
    passes(&client, &server, &prepare);
    passes(
        &server,
        &client,
        &[message(b'1', b""), message(b'1', b""), message(b'n', b""), ready(b'I')].concat(),
    );
    (client, server)
}

#[test]
fn everything_arrives_however_it_is_cut_into_packets() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, mut server) = begin(&scene);
    for byte in [run("s1", "value"), run("s2", "value"), message(b'Q', b"BEGIN\0")].concat() {
        client.write_all(&[byte]).unwrap();
    }
    arrives(&server, &[run("s1", "value"), run("s2", "value"), message(b'Q', b"BEGIN\0")].concat());
    for byte in [done(b'I'), done(b'I'), ready(b'T')].concat() {
        server.write_all(&[byte]).unwrap();
    }
    arrives(&client, &[done(b'I'), done(b'I'), ready(b'T')].concat());
    // Half a message is passed on where nothing more comes.
    server.write_all(b"D\0\0\0\x09x").unwrap();
    drop(server);
    arrives(&client, b"D\0\0\0\x09x");
}

#[test]
fn an_append_is_held_before_the_server_has_it() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, server) = begin(&scene);
    let waiting = scene.proxy.hold(Failpoint::BeforeAppend, "");
    passes(&client, &server, &run("s1", "value"));
    client.write_all(&run("s2", "value")).unwrap();
    let held = waiting.reached();
    is_silent(&server);
    held.deliver();
    arrives(&server, &run("s2", "value"));
    passes(&server, &client, &[done(b'I'), done(b'I')].concat());
    // It was armed once.
    passes(&client, &server, &run("s2", "value"));

    let waiting = scene.proxy.hold(Failpoint::BeforeAppend, "");
    client.write_all(&run("s2", "value")).unwrap();
    let held = waiting.reached();
    let (_other_client, other_server) = begin(&scene);
    held.lose();
    is_reset(&client);
    is_reset(&server);
    is_silent(&other_server);
}

#[test]
fn an_append_that_the_client_does_not_survive_never_arrives() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, server) = begin(&scene);
    let waiting = scene.proxy.hold(Failpoint::BeforeAppend, "");
    client.write_all(&run("s2", "value")).unwrap();
    let held = waiting.reached();
    drop(client);
    is_silent(&server);
    held.lose();
    is_reset(&server);
}

#[test]
fn the_answer_to_an_append_is_held_when_it_has_committed() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, mut server) = begin(&scene);
    let waiting = scene.proxy.hold(Failpoint::AfterCommitBeforeAnswer, "");
    // Requests that are sent ahead are answered one by one.
    let ahead = [run("s1", "a"), run("s2", "b"), run("s1", "c")].concat();
    passes(&client, &server, &ahead);
    passes(&server, &client, &done(b'I'));
    server.write_all(&done(b'I')).unwrap();
    let held = waiting.reached();
    is_silent(&client);
    held.deliver();
    arrives(&client, &done(b'I'));
    passes(&server, &client, &done(b'I'));

    // In a transaction of several statements it is the end that matters.
    let waiting = scene.proxy.hold(Failpoint::AfterCommitBeforeAnswer, "");
    passes(&client, &server, &message(b'Q', b"BEGIN\0"));
    passes(&server, &client, &ready(b'T'));
    passes(&client, &server, &run("s2", "value"));
    passes(&server, &client, &done(b'T'));
    passes(&client, &server, &run("s1", "value"));
    passes(&server, &client, &done(b'T'));
    client.write_all(&message(b'Q', b"COMMIT\0")).unwrap();
    arrives(&server, &message(b'Q', b"COMMIT\0"));
    server.write_all(&[message(b'C', b"COMMIT\0"), ready(b'I')].concat()).unwrap();
    let held = waiting.reached();
    is_silent(&client);
    held.lose();
    is_reset(&client);
}

#[test]
fn only_what_is_about_a_thing_is_held_where_one_is_named() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, server) = begin(&scene);
    let waiting = scene.proxy.hold(Failpoint::BeforeAppend, "right");
    passes(&client, &server, &run("s2", "wrong"));
    passes(&server, &client, &done(b'I'));
    client.write_all(&run("s2", "right")).unwrap();
    let held = waiting.reached();
    is_silent(&server);
    held.deliver();
    arrives(&server, &run("s2", "right"));
}

#[test]
fn a_statement_that_is_prepared_anew_under_its_name_is_another_one() {
    let scene = Scene::new(Protocol::Postgres);
    let (mut client, server) = begin(&scene);
    passes(&client, &server, &[parse("s2", OTHER), parse("s1", APPEND), sync()].concat());
    let waiting = scene.proxy.hold(Failpoint::BeforeAppend, "");
    passes(&client, &server, &run("s2", "value"));
    client.write_all(&run("s1", "value")).unwrap();
    waiting.reached().deliver();
    arrives(&server, &run("s1", "value"));
}
