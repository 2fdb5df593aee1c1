//! Commands/s: each loads its aggregate's 0–5 earlier events and appends one.

mod contender;
mod embedded;
mod measure;
mod postgres;
mod running;
mod sample;
mod work;

pub(crate) use work::{Job, work};

use crate::{Failure, Plan, places::Place, rooms::Rooms};

pub(crate) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    embedded::run(plan, rooms).await?;
    if plan.covers(Place::Postgres) {
        postgres::run(plan, rooms).await?;
    }
    Ok(())
}
