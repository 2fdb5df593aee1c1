//! The only owner dies under load: the query side tells of a breach in time, and of its end by itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Load, Run, verify::views_are_the_fold};
use crate::{
    deadline::{eventually, within},
    lag::{breaches, projections, ready},
    place::Place,
    stores::Stores,
};

/// What the demo's projections promise, and a heartbeat: by then a reader knows. The rest is for a machine that is busy.
const NOTICED: Duration = Duration::from_millis(2_250 + 2_000);

soak!(an_owner_that_dies_under_load_is_a_breach_and_its_successor_the_end_of_it);

fn an_owner_that_dies_under_load_is_a_breach_and_its_successor_the_end_of_it(stores: Stores) {
    let run = Run::begin("owner-death", Duration::from_secs(10));
    let mut rng = run.chances();
    let place = Place::new(stores);
    let (command, query) = (place.start("command"), place.start("query"));
    let command = command.client();
    let mut projector = Some(Run::projector(&place, "projector"));
    let mut chance = rng.fork();
    let token = Load::offer(&command, run.rate(), &mut rng, |load| {
        let (mut deaths, mut slowest) = (0, Duration::ZERO);
        while !run.is_over() {
            eventually("the query side is well", || (ready(&query).status == 200).then_some(()));
            thread::sleep(Duration::from_millis(chance.u64(0..1_000)));
            let before = breaches(&query);
            projector.take().expect("it runs").kill();
            let died = Instant::now();
            within(NOTICED, "the death is noticed", || {
                load.sent();
                let health = Some(ready(&query)).filter(|answer| answer.status == 503)?.problem();
                projections(&health).iter().all(|projection| projection["breached"] == true).then_some(())
            });
            slowest = slowest.max(died.elapsed());
            let once = before.map(|count| count + 1);
            let after = eventually("the hooks are told", || {
                let now = breaches(&query);
                now.iter().zip(once).all(|(now, once)| *now >= once).then_some(now)
            });
            assert_eq!(after, once, "a crossing counts once");
            projector = Some(Run::projector(&place, "projector"));
            deaths += 1;
            run.tell(|| format!("{} commands, {deaths} deaths, noticed after {slowest:.1?}", load.sent()));
        }
        eventually("it recovers by itself", || (ready(&query).status == 200).then_some(()));
        println!("{} commands, {deaths} deaths, noticed after at most {slowest:.1?}", load.sent());
    });
    views_are_the_fold(&place, &query.client(), &token);
}
