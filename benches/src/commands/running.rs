//! A contender in a process.

use std::sync::Arc;

use cqrs_core::prelude::*;
use tokio::sync::watch;

use super::{contender::Contender, work::Job};
use crate::{
    Failure,
    domain::{AddContestedLine, AddNextLine, OpenOrder, OrderId, Rival},
    limit::postgres::Raw,
};

pub(super) enum Running {
    Limit(Box<Raw>),
    Framework {
        app: App,
        /// Stands for another program on the same log, in a contest.
        other: Option<App>,
        /// Somebody follows the log.
        _following: Option<watch::Receiver<Position>>,
    },
}

impl Running {
    pub(super) async fn open(job: &Job) -> Result<Self, Failure> {
        if let Contender::Limit(kind) = job.contender {
            let raw = Raw::open(kind, job.location.url()?, job.connections, job.contested).await?;
            return Ok(Self::Limit(Box::new(raw)));
        }
        let log = job.location.log().await?;
        let builder = App::builder(Arc::clone(&log));
        let builder = if job.contender == Contender::Loading { builder.hot_aggregates(0) } else { builder };
        let other = if job.contested {
            Some(App::builder(Arc::clone(&log)).hot_aggregates(0).build().await?)
        } else {
            None
        };
        let following = (job.contender == Contender::Followed).then(|| log.watch());
        Ok(Self::Framework { app: builder.build().await?, other, _following: following })
    }

    /// Executes a command, and tells how many conflicts it met. Where it is contested, another command gets in between
    /// its load and its append.
    pub(super) async fn command(
        &self,
        task: usize,
        stream: &str,
        number: u64,
        contested: bool,
    ) -> Result<u64, Failure> {
        match self {
            Self::Limit(raw) => raw.command(task, stream, number, contested).await,
            Self::Framework { app, other: None, .. } => {
                let order = OrderId::new(stream)?;
                if number == 0 {
                    app.execute(OpenOrder { order, number }).await?;
                } else {
                    app.execute(AddNextLine { order, number }).await?;
                }
                Ok(0)
            }
            Self::Framework { app, other, .. } => {
                let rival = Rival::new(other.clone().filter(|_| contested));
                app.with(&rival).execute(AddContestedLine { order: OrderId::new(stream)?, number }).await?;
                Ok(rival.conflicts())
            }
        }
    }
}
