//! What the network does.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    super::{Condition, Cut, Protocol, Proxy, Side},
    Scene, arrives, is_finished, is_reset, is_silent, passes,
};
use crate::ports;

#[test]
fn everything_arrives_in_both_directions() {
    let scene = Scene::new(Protocol::Opaque);
    let connections = [scene.connect(), scene.connect()];
    let large: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for (client, server) in &connections {
        passes(client, server, b"ask");
        passes(server, client, b"answer");
        thread::scope(|scope| {
            for (mut from, to) in [(client, server), (server, client)] {
                let large = &large;
                scope.spawn(move || from.write_all(large).unwrap());
                scope.spawn(move || arrives(to, large));
            }
        });
    }
}

#[test]
fn an_end_that_has_nothing_more_to_say_may_still_listen() {
    let scene = Scene::new(Protocol::Opaque);
    let (mut client, server) = scene.connect();
    client.write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    arrives(&server, b"last");
    is_finished(&server);
    passes(&server, &client, b"answer");
    drop(server);
    is_finished(&client);
}

#[test]
fn a_connection_that_breaks_at_one_end_breaks_at_the_other() {
    let scene = Scene::new(Protocol::Opaque);
    let (client, server) = scene.connect();
    passes(&server, &client, b"x");
    // Closing with bytes that nobody has read breaks a connection.
    let mut unread = &server;
    unread.write_all(b"unread").unwrap();
    while client.peek(&mut [0; 8]).unwrap() == 0 {}
    drop(client);
    is_reset(&server);
}

#[test]
fn a_cut_ends_all_connections_at_both_ends_and_new_ones_are_taken() {
    let scene = Scene::new(Protocol::Opaque);
    for (cut, check) in [(Cut::Finish, is_finished as fn(&TcpStream)), (Cut::Reset, is_reset)] {
        let connections = [scene.connect(), scene.connect()];
        for (client, server) in &connections {
            passes(client, server, b"x");
        }
        assert_eq!(scene.proxy.cut(cut), 2);
        for (client, server) in &connections {
            check(client);
            check(server);
        }
        let (client, server) = scene.connect();
        passes(&client, &server, b"x");
        drop((client, server));
        crate::deadline::eventually("the connection is forgotten", || {
            (scene.proxy.cut(cut) == 0).then_some(())
        });
    }
}

#[test]
fn a_half_closed_connection_is_open_the_other_way() {
    let scene = Scene::new(Protocol::Opaque);
    for towards in [Side::Client, Side::Server] {
        let (client, server) = scene.connect();
        passes(&client, &server, b"x");
        passes(&server, &client, b"x");
        assert_eq!(scene.proxy.half_close(towards), 1);
        let (closed, mut open) = match towards {
            Side::Client => (&client, &server),
            Side::Server => (&server, &client),
        };
        is_finished(closed);
        open.write_all(b"goes nowhere").unwrap();
        passes(closed, open, b"arrives");
        drop((client, server));
        let gone = || (scene.proxy.half_close(towards) == 0).then_some(());
        crate::deadline::eventually("the connection is forgotten", gone);
    }
}

#[test]
fn what_is_delayed_arrives_later_but_no_slower() {
    let delay = Duration::from_millis(200);
    let scene = Scene::new(Protocol::Opaque);
    let (client, server) = scene.connect();
    scene.proxy.set(Condition::Delay(delay));
    for (mut from, mut to) in [(&client, &server), (&server, &client)] {
        let started = Instant::now();
        for piece in 0..20_u8 {
            from.write_all(&[piece]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
        let mut first = [0];
        to.read_exact(&mut first).unwrap();
        assert!(started.elapsed() >= delay, "{:?}", started.elapsed());
        let mut others = [0; 19];
        to.read_exact(&mut others).unwrap();
        assert_eq!((first[0], others.as_slice()), (0, (1..20).collect::<Vec<_>>().as_slice()));
        assert!(started.elapsed() < delay * 10, "{:?}: one after the other", started.elapsed());
    }
    scene.proxy.set(Condition::Forward);
    passes(&client, &server, b"x");
}

#[test]
fn what_falls_into_a_black_hole_arrives_when_that_is_over() {
    let scene = Scene::new(Protocol::Opaque);
    let (client, server) = scene.connect();
    scene.proxy.set(Condition::BlackHole);
    (&client).write_all(b"ask").unwrap();
    (&server).write_all(b"answer").unwrap();
    is_silent(&server);
    is_silent(&client);
    // Nobody learns of an end, either.
    client.shutdown(Shutdown::Write).unwrap();
    let (mut late, accepted) = scene.connect();
    late.write_all(b"hello").unwrap();
    is_silent(&accepted);

    scene.proxy.set(Condition::Forward);
    arrives(&server, b"ask");
    is_finished(&server);
    arrives(&client, b"answer");
    arrives(&accepted, b"hello");
}

#[test]
fn a_connection_in_a_black_hole_can_be_cut() {
    let scene = Scene::new(Protocol::Opaque);
    let (client, server) = scene.connect();
    passes(&client, &server, b"x");
    scene.proxy.set(Condition::BlackHole);
    scene.proxy.cut(Cut::Reset);
    is_reset(&client);
    is_reset(&server);
}

#[test]
fn what_is_refused_is_taken_later_at_the_same_address() {
    let scene = Scene::new(Protocol::Opaque);
    let (client, server) = scene.connect();
    for _ in 0..3 {
        scene.proxy.set(Condition::Refuse);
        crate::deadline::eventually("connections are refused", || {
            // While it stops listening, one may be reset.
            let error = TcpStream::connect(scene.proxy.address()).err()?;
            (error.kind() == ErrorKind::ConnectionRefused).then_some(())
        });
        passes(&client, &server, b"those that are there stay");
        scene.proxy.set(Condition::Forward);
        let taken = || TcpStream::connect(scene.proxy.address()).ok();
        let mut client = crate::deadline::eventually("connections are taken", taken);
        client.write_all(b"new").unwrap();
        // What came in while the proxy was about to refuse is taken, too, and has ended.
        loop {
            let (mut server, _) = scene.server.accept().unwrap();
            let mut got = [0; 3];
            if server.read_exact(&mut got).is_ok() {
                assert_eq!(&got, b"new");
                break;
            }
        }
    }
}

#[test]
fn without_the_server_a_connection_is_reset() {
    let proxy = Proxy::start(Protocol::Opaque, ([127, 0, 0, 1], ports::free()).into());
    is_reset(&TcpStream::connect(proxy.address()).unwrap());
}
