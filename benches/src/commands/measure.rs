//! One measurement: processes that are started, set off together, and checked afterwards.

use std::time::Duration;

use super::{
    contender::Contender,
    sample::{Done, Sample},
    work::Job,
};
use crate::{
    Failure,
    limit::postgres as limit,
    places::Location,
    rooms::{Disk, Rooms},
    verify,
    worker::{self, Worker},
};

/// What is the same for all contenders of a table.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) disk: Disk,
    pub(super) processes: usize,
    /// A tenth of the commands meets a conflict.
    pub(super) contested: bool,
    pub(super) time: Duration,
}

impl Setting {
    pub(super) async fn measure(
        &self,
        rooms: &Rooms,
        contender: Contender,
        tasks: usize,
    ) -> Result<Sample, Failure> {
        let room = rooms.open_postgres(self.disk).await?;
        let url = room.location.url()?;
        if let Contender::Limit(_) = contender {
            limit::prepare(url).await?;
        }
        let location = match contender {
            Contender::Silent => Location::Postgres(limit::without_notifications(url).await?),
            _ => room.location.clone(),
        };
        let mut workers = Vec::new();
        for process in 0..self.processes {
            let job = Job {
                contender,
                location: location.clone(),
                process,
                tasks: tasks.div_ceil(self.processes),
                connections: (CONNECTIONS / self.processes).min(tasks.div_ceil(self.processes)),
                contested: self.contested,
                time: self.time,
            };
            workers.push(Worker::start(&worker::Job::Commands(job)).await?);
        }
        for worker in &mut workers {
            worker.go().await?;
        }
        let mut done: Vec<Done> = Vec::new();
        for worker in workers {
            done.push(worker.result().await?);
        }
        let sample = Sample::of(&done);
        match contender {
            Contender::Limit(_) => limit::verify(url, sample.commands).await?,
            _ => {
                verify::log(&*room.location.log().await?, sample.commands).await?;
            }
        }
        rooms.close(room).await?;
        Ok(sample)
    }
}

/// Of a limit, in all processes: more gain nothing.
const CONNECTIONS: usize = 32;
