//! A first build, and a rebuild of the same log beside it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cqrs_core::{
    app::AppBuilder,
    operations::Operator,
    prelude::*,
    runtime::RuntimeOptions,
    store::{ProjectionId, Standing, ViewStore},
};
use tokio::sync::watch;

use crate::{
    Failure,
    catch_up::Log,
    domain::{OrderId, OrderSummary},
    figures::per_second,
    places::Place,
    rooms::Rooms,
};

/// A measurement that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(10);

/// What was measured of one log and one read store.
pub(super) struct Built {
    /// Events/s of the first build, in batches as when it is up to date.
    pub(super) incremental: f64,
    /// Events/s of the rebuild, from when it has begun until it answers.
    pub(super) rebuild: f64,
    /// From the operator's request until it answers.
    pub(super) switched: Duration,
    /// How long queries took meanwhile, in order of length.
    pub(super) answers: Vec<Duration>,
}

/// What is built.
pub(super) struct Subject<'a> {
    pub(super) log: &'a Log,
    pub(super) views: Place,
    pub(super) partitions: u16,
}

impl Subject<'_> {
    pub(super) async fn measure(&self, rooms: &Rooms) -> Result<Built, Failure> {
        let room = rooms.open(self.views).await?;
        let views = room.location.views().await?;
        let incremental = self.build(&views).await?;
        let built = self.rebuild(&views, incremental).await?;
        let rebuilt = ProjectionId::of::<OrderSummary>().generation(1);
        self.log.verify(&*views, &rebuilt).await?;
        drop(views);
        rooms.close(room).await?;
        Ok(built)
    }

    fn app(&self, options: RuntimeOptions, views: &Arc<dyn ViewStore>) -> AppBuilder {
        App::builder(Arc::clone(&self.log.events))
            .runtime(options.partitions(self.partitions))
            .projection::<OrderSummary>(Arc::clone(views))
    }

    /// Events/s of a first build.
    async fn build(&self, views: &Arc<dyn ViewStore>) -> Result<f64, Failure> {
        let options = RuntimeOptions::default();
        // No larger batches far behind the head.
        let app = self.app(options.backlog_batch(options.batch), views).build().await?;
        // Before it is divided, nothing is read.
        let mut news = views.watch(&ProjectionId::of::<OrderSummary>());
        news.wait_for(|at| at.is_some_and(|at| at.partitions == self.partitions)).await?;
        let started = Instant::now();
        self.is_there(views).await?;
        let took = started.elapsed();
        app.shutdown().await;
        self.log.verify(&**views, &ProjectionId::of::<OrderSummary>()).await?;
        Ok(per_second(self.log.backlog, took))
    }

    /// All documents hold all of the log.
    async fn is_there(&self, views: &Arc<dyn ViewStore>) -> Result<(), Failure> {
        let token = Token::new(self.log.events.log_id(), self.log.end());
        Views::new(Arc::clone(views)).fresh::<OrderSummary>().at_least(&token).within(PATIENCE).await?;
        Ok(())
    }

    async fn rebuild(&self, views: &Arc<dyn ViewStore>, incremental: f64) -> Result<Built, Failure> {
        let app = self.app(RuntimeOptions::default(), views).build().await?;
        self.is_there(views).await?;
        let first = ProjectionId::of::<OrderSummary>();
        let mut news = views.watch(&first.generation(1));
        let (stop, stopped) = watch::channel(false);
        let asking = tokio::spawn(ask(Views::new(Arc::clone(views)), stopped));

        let asked = Instant::now();
        let operator = Operator::new(Arc::clone(views), "the benchmark").within(PATIENCE);
        let (requested, took) = tokio::join!(operator.rebuild(&first, Position::ZERO), async {
            news.wait_for(Option::is_some).await?;
            let began = Instant::now();
            news.wait_for(|at| at.is_some_and(|at| at.standing == Standing::Live)).await?;
            Ok::<_, Failure>(began.elapsed())
        });
        let switched = asked.elapsed();
        requested?;
        stop.send_replace(true);
        let mut answers = asking.await??;
        app.shutdown().await;
        answers.sort_unstable();
        Ok(Built { incremental, rebuild: per_second(self.log.backlog, took?), switched, answers })
    }
}

/// Asks for the first order again and again. It is there all the time, and no answer is older than the one before.
async fn ask(views: Views, mut stopped: watch::Receiver<bool>) -> Result<Vec<Duration>, Failure> {
    /// So few queries cost the rebuild next to nothing.
    const EVERY: Duration = Duration::from_millis(5);
    let order = OrderId::new("order-0")?;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut times, mut newest) = (Vec::new(), Position::ZERO);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // An error means that the measurement has failed.
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(times),
        }
        let started = Instant::now();
        let answer = views.view::<OrderSummary>(&order).await?;
        times.push(started.elapsed());
        let applied = answer.provenance.applied;
        if answer.is_none() || applied < newest {
            return Err(
                format!("an answer as of {applied} came after one as of {newest}, or was empty").into()
            );
        }
        newest = applied;
    }
}
