//! Failpoints in MongoDB's messages.

use std::io::Write as _;

use super::{
    super::{Failpoint, Protocol},
    Scene, arrives, is_reset, is_silent, passes,
};

/// A message of the database.
fn message(id: u32, answers: u32, sections: &[u8]) -> Vec<u8> {
    let length = u32::try_from(sections.len() + 20).unwrap();
    let head = [length, id, answers, 2013, 0].map(u32::to_le_bytes).concat();
    [&head, sections].concat()
}

/// A document with one text in it.
fn document(name: &str, value: &str) -> Vec<u8> {
    let text = u32::try_from(value.len() + 1).unwrap().to_le_bytes();
    let fields = [&[2][..], name.as_bytes(), &[0], &text, value.as_bytes(), &[0, 0]].concat();
    [&u32::try_from(fields.len() + 4).unwrap().to_le_bytes()[..], &fields].concat()
}

/// A command, and with it documents, ahead of it or behind it.
fn command(id: u32, name: &str, collection: &str, ahead: bool) -> Vec<u8> {
    let sequence = [b"updates\0".as_slice(), &document("_id", "order-1")].concat();
    let length = u32::try_from(sequence.len() + 4).unwrap().to_le_bytes();
    let sequence = [&[1][..], &length, &sequence].concat();
    let body = [&[0][..], &document(name, collection)].concat();
    message(id, 0, &if ahead { [sequence, body] } else { [body, sequence] }.concat())
}

fn answer(to: u32) -> Vec<u8> {
    message(to + 1_000, to, &[&[0][..], &document("ok", "1")].concat())
}

const DOCUMENTS: &str = "order_summary_v1";
const CHECKPOINTS: &str = "_cqrs_checkpoints";

#[test]
fn everything_arrives_however_it_is_cut_into_packets() {
    let scene = Scene::new(Protocol::Mongo);
    let (mut client, mut server) = scene.connect();
    let sent = [command(1, "update", DOCUMENTS, true), message(2, 0, b""), message(3, 0, b"\x07?")].concat();
    for byte in &sent {
        client.write_all(&[*byte]).unwrap();
    }
    arrives(&server, &sent);
    let answers = [answer(1), answer(2), answer(9)].concat();
    for byte in &answers {
        server.write_all(&[*byte]).unwrap();
    }
    arrives(&client, &answers);
    client.write_all(b"\x30\0\0\0half").unwrap();
    drop(client);
    arrives(&server, b"\x30\0\0\0half");
}

#[test]
fn a_checkpoint_is_held_once_documents_are_written() {
    let scene = Scene::new(Protocol::Mongo);
    let (mut client, server) = scene.connect();
    let (other_client, other_server) = scene.connect();
    let waiting = scene.proxy.hold(Failpoint::BetweenDocumentsAndCheckpoint, "");
    // Without documents before it, a checkpoint is only a sign of life; so it is before they are written.
    passes(&client, &server, &command(1, "update", CHECKPOINTS, false));
    passes(&server, &client, &answer(1));
    passes(&client, &server, &command(2, "update", DOCUMENTS, true));
    passes(&client, &server, &command(3, "update", CHECKPOINTS, false));
    passes(&server, &client, &answer(3));
    passes(&server, &client, &answer(2));
    // Neither is a question, nor is it one on another connection that matters.
    passes(&client, &server, &command(4, "find", CHECKPOINTS, false));
    passes(&other_client, &other_server, &command(1, "find", DOCUMENTS, false));
    client.write_all(&command(5, "findAndModify", CHECKPOINTS, true)).unwrap();
    let held = waiting.reached();
    is_silent(&server);
    held.lose();
    is_reset(&server);
    is_reset(&client);
    passes(&other_server, &other_client, &answer(1));
}

#[test]
fn documents_are_held_before_the_server_has_them() {
    let scene = Scene::new(Protocol::Mongo);
    let (mut client, server) = scene.connect();
    let waiting = scene.proxy.hold(Failpoint::BeforeDocuments, "");
    passes(&client, &server, &command(1, "update", CHECKPOINTS, true));
    client.write_all(&command(2, "update", DOCUMENTS, true)).unwrap();
    let held = waiting.reached();
    is_silent(&server);
    held.deliver();
    arrives(&server, &command(2, "update", DOCUMENTS, true));
}

#[test]
fn the_answer_to_a_checkpoint_is_held() {
    let scene = Scene::new(Protocol::Mongo);
    let (client, mut server) = scene.connect();
    let waiting = scene.proxy.hold(Failpoint::AfterCheckpointBeforeAnswer, "");
    passes(&client, &server, &command(1, "update", DOCUMENTS, true));
    passes(&client, &server, &command(2, "update", CHECKPOINTS, true));
    passes(&server, &client, &answer(1));
    server.write_all(&answer(2)).unwrap();
    let held = waiting.reached();
    is_silent(&client);
    held.deliver();
    arrives(&client, &answer(2));
}
