use std::time::{Duration, Instant};

use cqrs_core::{
    envelope::Position,
    operations::{OperateError, Operator},
    store::{Build, Error, ProjectionId, Standing, ViewStore},
};

use super::bar::{Bar, say};
use crate::{
    Options,
    options::Rebuild,
    stores::{self, OpenError},
};

/// How often it is looked how far the build has come.
const POLL: Duration = Duration::from_millis(100);
/// A build that stands still for so long is remarked on.
const LONG: Duration = Duration::from_secs(10);

/// Has a projection built anew, or only looks on, until the new build answers. Returns what there is to say then.
///
/// # Errors
///
/// [`RebuildError`] where the read store can't be opened or is away, where the projection refuses, and where the build is
/// given up.
pub async fn rebuild(options: &Options, rebuild: &Rebuild) -> Result<String, RebuildError> {
    if stores::is_private(&options.read) {
        return Err(RebuildError::Private);
    }
    let views = stores::open_views(&options.read, options.store_timeout()).await?;
    let projection = rebuild.projection.id();
    if !rebuild.follow {
        Operator::new(views.clone(), &rebuild.by).rebuild(&projection, Position::ZERO).await?;
    }
    // One that was asked for may be done already.
    let build = newest(&*views, &projection).await?;
    match build.filter(|build| !rebuild.follow || is_under_way(build)) {
        Some(build) => follow(&*views, build.id).await,
        None => Ok(format!("{projection} is not being built anew")),
    }
}

async fn follow(views: &dyn ViewStore, id: ProjectionId) -> Result<String, RebuildError> {
    say(&format!("{id} is being built; that goes on also when you leave with ctrl-c"));
    let (bar, started) = (Bar::new(), Instant::now());
    let (mut applied, mut moved, mut remarked) = (Position::ZERO, started, false);
    loop {
        let build = views.builds(&id.name).await?.into_iter().find(|build| build.id == id);
        let Some(checkpoint) = build.and_then(|build| build.checkpoint) else {
            bar.end();
            return Err(RebuildError::GivenUp { build: id });
        };
        if checkpoint.standing != Standing::Building {
            bar.end();
            let took = started.elapsed().as_secs_f64();
            return Ok(format!("{id} answers from now on: {} events, {took:.1} s", checkpoint.position));
        }
        bar.show(checkpoint.position, checkpoint.head);
        if checkpoint.position > applied {
            (applied, moved, remarked) = (checkpoint.position, Instant::now(), false);
        } else if moved.elapsed() >= LONG && !remarked {
            remarked = true;
            bar.say("it stands still: is there a projector that runs? its /health/ready says what is wrong");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The newest build of the version.
async fn newest(views: &dyn ViewStore, projection: &ProjectionId) -> Result<Option<Build>, Error> {
    let builds = views.builds(&projection.name).await?;
    Ok(builds.into_iter().rfind(|build| build.id.version == projection.version))
}

fn is_under_way(build: &Build) -> bool {
    build.checkpoint.is_some_and(|checkpoint| checkpoint.standing == Standing::Building)
}

/// Why a projection is not built anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// The read store is gone with its process.
    #[error("--read is `memory:`, which no other process sees: name the read store of the projector")]
    Private,
    /// The read store can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The projection refuses, or nobody runs it.
    #[error(transparent)]
    Operate(#[from] OperateError),
    /// Somebody has abandoned the build.
    #[error("{build} was given up; the one before goes on to answer")]
    GivenUp {
        /// Which.
        build: ProjectionId,
    },
    /// The read store is away or damaged.
    #[error(transparent)]
    Store(#[from] Error),
}
