use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use super::{
    ProjectionState, RuntimeOptions,
    ahead::Reader,
    builds::Plan,
    control::Control,
    end::End,
    lease::{Lease, Leases},
    owner::Owner,
    shared_log::SharedLog,
    status::Status,
    with_causes,
    work::Work,
};
use crate::store::{Build, Error, EventStore, Partition, ProjectionId, ViewStore};

/// What a runner is made of.
#[derive(Clone)]
pub(super) struct RunnerParts {
    pub(super) projection: ProjectionId,
    pub(super) max_lag: Option<Duration>,
    pub(super) log: Arc<dyn EventStore>,
    /// The same, as it is read together with the other projections.
    pub(super) shared_log: Arc<SharedLog>,
    pub(super) work: Arc<dyn Work>,
    /// Where the checkpoint is.
    pub(super) views: Arc<dyn ViewStore>,
    pub(super) options: RuntimeOptions,
    /// This application.
    pub(super) owner: Owner,
    pub(super) status: Arc<Status>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Builds one projection from the log, until it is stopped.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) parts: RunnerParts,
    pub(super) reader: Arc<Reader>,
    pub(super) leases: Leases,
    pub(super) heartbeat: Duration,
}

/// Measures the lag, for as long as the projection runs.
async fn observe(status: Arc<Status>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        status.observe();
    }
}

impl Runner {
    pub(super) fn new(parts: RunnerParts) -> Self {
        let reader = Reader::of(&parts.log, &parts.shared_log, &parts.work);
        let heartbeat = parts.options.heartbeat_for(parts.max_lag);
        let RunnerParts { views, projection, owner, options, .. } = &parts;
        let leases = Leases::of(Arc::clone(views), projection, owner.clone(), options.lease);
        Self { parts, reader: Arc::new(reader), leases, heartbeat }
    }

    pub(super) async fn run(self) {
        // By itself, as a handler may take long.
        let mut watching = JoinSet::new();
        watching.spawn(observe(Arc::clone(&self.parts.status), self.heartbeat));
        self.drive().await;
        watching.shutdown().await;
        self.parts.status.set_state(ProjectionState::Stopped);
    }

    async fn drive(&self) {
        let projection = &self.parts.projection;
        let mut pauses = self.parts.options.pauses();
        let mut attempts = 0_u32;
        loop {
            let mut progressed = false;
            match self.work(&mut progressed).await {
                End::Stopped => return,
                End::Moved | End::BuiltAnew => {}
                End::Halted(reason) => {
                    tracing::error!(%projection, reason, "the projection has halted");
                    self.parts.status.fail(reason.clone());
                    self.parts.status.set_state(ProjectionState::Halted { reason });
                    tokio::select! {
                        () = self.resumed() => {}
                        () = self.stopped() => return,
                    }
                }
                End::Again(error) => {
                    if progressed {
                        (pauses, attempts) = (self.parts.options.pauses(), 0);
                    }
                    attempts += 1;
                    tracing::warn!(%projection, error, attempts, "the projection starts over from its checkpoint");
                    self.parts.status.meter.retried();
                    self.parts.status.fail(error.clone());
                    self.parts.status.set_state(ProjectionState::Retrying { error, attempts });
                    let pause = pauses.next().unwrap_or(self.parts.options.longest_pause);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.stopped() => return,
                    }
                }
            }
        }
    }

    /// Works from the stored checkpoint on, until something is in the way.
    async fn work(&self, progressed: &mut bool) -> End {
        match self.try_work(progressed).await {
            Ok(never) => match never {},
            // Nothing is lost that the log has not: it is built anew.
            Err(End::Halted(reason)) if *progressed && self.is_gone().await => {
                End::Again(format!("its documents were removed meanwhile: {reason}"))
            }
            Err(end) => end,
        }
    }

    /// No build of this version is there any more: whoever was late to remove it, as an older one that nobody ran, has not
    /// seen that it is run again.
    async fn is_gone(&self) -> bool {
        let RunnerParts { views, projection, .. } = &self.parts;
        let is_own = |build: &Build| build.id.version == projection.version;
        // Where the store does not tell, the next attempt does.
        views.builds(&projection.name).await.is_ok_and(|builds| !builds.iter().any(is_own))
    }

    async fn try_work(&self, progressed: &mut bool) -> Result<Infallible, End> {
        let lease = Arc::new(self.leases.hold());
        let end = tokio::select! {
            end = self.hold(&lease, progressed) => end,
            () = lease.lost() => Err(End::taken_over()),
        };
        self.parts.status.release();
        // Whatever is wrong here, another application may do better.
        if let Err(error) = lease.release().await {
            let error = with_causes(&error);
            tracing::debug!(projection = %self.parts.projection, error, "the leases were not given back");
        }
        end
    }

    /// Takes what there is to be run, and runs it. What was moved goes on under the same leases.
    async fn hold(&self, lease: &Arc<Lease>, progressed: &mut bool) -> Result<Infallible, End> {
        loop {
            self.acquire(lease).await?;
            let ran = if lease.leads() {
                self.lead(lease, progressed).await
            } else {
                self.run_along(lease, progressed).await
            };
            match ran {
                Err(End::Moved) => {}
                end => return end,
            }
        }
    }

    /// Into how many partitions the projection is to be divided.
    pub(super) fn partitions(&self) -> u16 {
        let RunnerParts { work, options, .. } = &self.parts;
        match options.partitions {
            Some(partitions) if !work.writes_by_itself() => partitions,
            _ => work.partitions(),
        }
    }

    pub(super) fn control(&self) -> Control {
        let RunnerParts { projection, views, owner, .. } = &self.parts;
        Control::new(Arc::clone(views), projection.clone(), owner.clone(), self.heartbeat)
    }

    /// Waits until somebody says that a projection that has halted is to go on.
    async fn resumed(&self) {
        let mut control = self.control();
        let mut known = None;
        let mut looked: Option<Instant> = None;
        loop {
            let resumed = async {
                let resumed = control.resumed(&mut known).await?;
                // Another application may run it by now.
                if !resumed && looked.is_none_or(|looked| looked.elapsed() >= self.parts.options.lease) {
                    looked = Some(Instant::now());
                    self.look_around().await?;
                }
                Ok::<_, Error>(resumed)
            };
            match resumed.await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::debug!(projection = %self.parts.projection, error, "requests can't be read");
                }
            }
            tokio::time::sleep(self.heartbeat).await;
        }
    }

    /// Waits until the projection is to be run here: led, or some of its partitions.
    async fn acquire(&self, lease: &Lease) -> Result<(), End> {
        let RunnerParts { projection, views, options, status, .. } = &self.parts;
        loop {
            let seen = self.leases.look().await?;
            status.see_owners(&seen);
            if lease.take(&seen, Partition::WHOLE).await? {
                return Ok(());
            }
            // Where another one was quicker, the next look tells who.
            let Some(owner) = seen.holders.get(&Partition::WHOLE) else { continue };
            let builds = views.builds(&projection.name).await?;
            let plan = Plan::of(&builds, projection);
            status.see(&plan.main, plan.partitions, &builds);
            self.stand_by(owner);
            if plan.partitions > 1 {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(options.lease / 6) => {}
                () = self.stopped() => return Err(End::Stopped),
            }
        }
    }

    /// Looks who runs the projection, and how far it is there.
    async fn look_around(&self) -> Result<(), Error> {
        let RunnerParts { projection, views, status, .. } = &self.parts;
        status.see_owners(&self.leases.look().await?);
        let builds = views.builds(&projection.name).await?;
        let plan = Plan::of(&builds, projection);
        status.see(&plan.main, plan.partitions, &builds);
        Ok(())
    }

    pub(super) fn stand_by(&self, owner: &Owner) {
        let RunnerParts { projection, status, .. } = &self.parts;
        if status.set_state(ProjectionState::Standby { owner: owner.clone() }) {
            tracing::info!(%projection, %owner, "another application runs the projection; this one stands by");
        }
    }

    pub(super) async fn stopped(&self) {
        let mut stop = self.parts.stop.clone();
        // An error means that the application is gone, which is as good as a stop.
        let _: Result<_, _> = stop.wait_for(|stop| *stop).await;
    }
}
