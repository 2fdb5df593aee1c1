//! `kill -9`, again and again, under load.

use std::{thread, time::Duration};

use fastrand::Rng;

use crate::{
    chance,
    load::{self, Clients},
    place::Place,
    service::Service,
    stores::Stores,
};

const CLIENTS: usize = 16;
const KILLS: usize = 20;
/// The most orders between two kills.
const BETWEEN: usize = 100;

on_shared_stores! {
    nothing_acknowledged_is_lost_and_nothing_is_there_twice_or_half,
}

fn nothing_acknowledged_is_lost_and_nothing_is_there_twice_or_half(stores: Stores) {
    let mut rng = Rng::with_seed(chance::seed());
    let place = Place::new(stores);
    let (told, service) =
        Clients::run(CLIENTS, &mut rng.fork(), |clients| kill_again_and_again(&mut rng, &place, clients));
    // What was acknowledged a moment ago is safe, too.
    service.kill();
    let service = place.start("all");
    load::check(&place, &service.client(), &service.client(), &told);
    assert_eq!(service.terminate().status.code(), Some(0));
}

/// Kills the service at random moments, all of them while orders are placed, and leaves one running.
fn kill_again_and_again(rng: &mut Rng, place: &Place, clients: &Clients) -> Service {
    let mut service = place.start("all");
    for _ in 0..KILLS {
        clients.go_to(service.url());
        clients.until_placed(rng.usize(1..BETWEEN));
        thread::sleep(Duration::from_micros(rng.u64(0..4_000)));
        clients.wait();
        service.kill();
        while rng.u8(..) < 64 {
            let starting = place.launch("all");
            thread::sleep(Duration::from_micros(rng.u64(0..30_000)));
            starting.kill();
        }
        service = place.start("all");
    }
    clients.go_to(service.url());
    service
}
