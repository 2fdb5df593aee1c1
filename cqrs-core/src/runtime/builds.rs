//! Which builds of a projection there are, and what each is for.
//!
//! A version of a projection is built beside an older one, and a rebuild of a version beside the one that answers. So a build
//! begins as [`Standing::Building`] where another one answers. Once it has caught up, its checkpoint says
//! [`Standing::Live`], and that of the generation before [`Standing::Superseded`]: in this order, so that there is always
//! one to ask. Whoever dies between the two leaves two that are live, of which the newer one counts.

use std::time::Duration;

use super::{lease, place::Place, policy::Stop, runner::Runner};
use crate::{
    envelope::{Json, Position},
    query::checkpoint_of,
    store::{Build, Checkpoint, Commit, Error, ProjectionId, Standing, ViewStore, entry},
};

/// The group of the entries that say since when a build is not asked any more.
const RETIRED: &str = "retired";
/// The group of the entries that say which generation of a version was begun last.
const GENERATIONS: &str = "generations";
/// The group of the entries that say by which definition a build was begun.
const DEFINITIONS: &str = "definitions";

/// The builds of a version that concern its owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The one that is kept up to date.
    pub(super) main: ProjectionId,
    /// Where it begins or goes on without answering queries: the build of an older version that answers instead.
    pub(super) replaces: Option<ProjectionId>,
    /// The one that takes its place when it has caught up.
    pub(super) rebuild: Option<ProjectionId>,
    /// Generations that are live still, although a newer one is.
    pub(super) outlived: Vec<(ProjectionId, Checkpoint)>,
    /// Into how many partitions the one is divided that is kept up to date.
    pub(super) partitions: u16,
}

fn is(build: &Build, standing: Standing) -> bool {
    build.checkpoint.is_some_and(|checkpoint| checkpoint.standing == standing)
}

impl Plan {
    /// `builds` are sorted by their ids.
    pub(super) fn of(builds: &[Build], projection: &ProjectionId) -> Self {
        let builds: Vec<&Build> = builds.iter().filter(|build| build.id.partition.is_whole()).collect();
        let own: Vec<&Build> =
            builds.iter().copied().filter(|build| build.id.version == projection.version).collect();
        let mut live: Vec<&Build> = own.iter().copied().filter(|build| is(build, Standing::Live)).collect();
        let answers = live.pop();
        let main = answers.map_or_else(|| projection.clone(), |build| build.id.clone());
        let is_older = |build: &&&Build| build.id.version < projection.version && is(build, Standing::Live);
        let replaces = if answers.is_none() {
            builds.iter().rfind(is_older).map(|build| build.id.clone())
        } else {
            None
        };
        let is_newer = |build: &&&Build| build.id > main && is(build, Standing::Building);
        let rebuild = own.iter().rfind(is_newer).map(|build| build.id.clone());
        let outlived = live.iter().filter_map(|build| Some((build.id.clone(), build.checkpoint?))).collect();
        let checkpoint = own.iter().find(|build| build.id == main).and_then(|build| build.checkpoint);
        let partitions = checkpoint.map_or(1, |checkpoint| checkpoint.partitions);
        Self { main, replaces, rebuild, outlived, partitions }
    }

    /// Reads what there is.
    pub(super) async fn read(views: &dyn ViewStore, projection: &ProjectionId) -> Result<Self, Error> {
        Ok(Self::of(&views.builds(&projection.name).await?, projection))
    }
}

/// What a build's checkpoint says once a newer generation answers.
pub(super) fn superseded(checkpoint: Checkpoint, by: u32, fence: u64) -> Commit {
    Commit::of(checkpoint.position, Checkpoint { standing: Standing::Superseded { by }, fence, ..checkpoint })
}

impl Runner {
    /// Begins a build of this version that takes the place of the one that answers, once it has caught up.
    pub(super) async fn begin_build(
        &self,
        main: &mut Place,
        from: Position,
    ) -> Result<Result<ProjectionId, String>, Stop> {
        let (views, projection) = (&self.parts.views, &self.parts.projection);
        let builds = views.builds(&projection.name).await?;
        if let Some(rebuild) = Plan::of(&builds, projection).rebuild {
            return Ok(Err(format!("{rebuild} is being built already")));
        }
        let here = checkpoint_of(&builds, &main.projection).unwrap_or_else(|| main.here());
        if from > here.position {
            return Ok(Err(format!("it is at position {}: a build can't begin at {from}", here.position)));
        }
        let own = builds.iter().filter(|build| build.id.version == projection.version);
        let newest = own.map(|build| build.id.generation).max().unwrap_or(0);
        let id = projection.generation(self.next_generation(newest).await?);
        self.parts.work.prepare(&id).await?;
        let page = self.parts.log.read_log(from, &crate::store::EventFilter::ALL, 1).await?;
        let begun = Checkpoint {
            position: from,
            last: page.before,
            as_of: page.events.first().map_or(here.as_of, |event| event.metadata.time),
            parked: 0,
            standing: Standing::Building,
            partitions: 1,
            fence: main.here().fence,
            ..here
        };
        // Who goes on with it may be another program.
        self.is_outdated(&id, true).await?;
        views.commit(&id, Commit::of(Position::ZERO, begun)).await?;
        Ok(Ok(id))
    }

    /// A number that no generation of this version ever had: whoever is late to remove one that was given up finds no other.
    async fn next_generation(&self, newest: u32) -> Result<u32, Error> {
        let coordination = self.parts.views.coordination();
        let key = self.parts.projection.to_string();
        loop {
            let known = entry(coordination, GENERATIONS, &key).await?;
            let last: Option<u32> = known
                .as_ref()
                .map(|entry| entry.value.parse())
                .transpose()
                .map_err(|error| Error::corrupt(format!("the last generation of {key}: {error}")))?;
            let next = last.unwrap_or(0).max(newest) + 1;
            let value = Json::of(&next).map_err(|error| Error::invalid(error.to_string()))?;
            let revision = known.map_or(0, |known| known.revision);
            if coordination.put_entry(GENERATIONS, &key, revision, value).await?.is_some() {
                return Ok(next);
            }
        }
    }

    /// Gives the build up that is under way.
    pub(super) async fn abandon_build(&self) -> Result<Result<ProjectionId, String>, Stop> {
        let (views, projection) = (&self.parts.views, &self.parts.projection);
        let Some(rebuild) = Plan::read(&**views, projection).await?.rebuild else {
            return Ok(Err("no other build of it is under way".to_owned()));
        };
        views.remove(&rebuild).await?;
        Ok(Ok(rebuild))
    }

    /// Says whether a build was begun by another definition than the one that is compiled in; notes it for a new one.
    pub(super) async fn is_outdated(&self, build: &ProjectionId, is_new: bool) -> Result<bool, Error> {
        let Some(definition) = self.parts.work.fingerprint() else { return Ok(false) };
        let coordination = self.parts.views.coordination();
        let key = build.to_string();
        let known = entry(coordination, DEFINITIONS, &key).await?;
        let now =
            Json::of(&format!("{definition:016x}")).map_err(|error| Error::invalid(error.to_string()))?;
        match known {
            Some(known) if !is_new => Ok(known.value != now),
            known => {
                let revision = known.map_or(0, |known| known.revision);
                // Only the owner of the lease comes here.
                coordination.put_entry(DEFINITIONS, &key, revision, now).await?;
                Ok(false)
            }
        }
    }

    /// Removes builds that nobody asks any more: those of this version, and those of older versions that nobody runs,
    /// both not before the time of grace is over.
    pub(super) async fn retire(&self, main: &ProjectionId, grace: Duration) -> Result<(), Error> {
        let (views, coordination) = (&self.parts.views, self.parts.views.coordination());
        let builds = views.builds(&main.name).await?;
        for build in builds.into_iter().filter(|build| build.id < *main && build.id.partition.is_whole()) {
            let is_own = build.id.version == main.version;
            if is_own
                && build.checkpoint.is_some_and(|it| !matches!(it.standing, Standing::Superseded { .. }))
            {
                // One without a checkpoint was never begun, as whoever was about to was interrupted.
                continue;
            }
            let key = build.id.to_string();
            let Some(entry) = entry(coordination, RETIRED, &key).await? else {
                coordination.put_entry(RETIRED, &key, 0, retired_note()?).await?;
                continue;
            };
            let is_run = !is_own && lease::is_held(&**views, &build.id.generation(0)).await?;
            if is_run {
                // The time of grace begins when nobody runs it any more.
                coordination.touch_entries(RETIRED, &[(key, entry.revision)]).await?;
                continue;
            }
            if entry.age < grace {
                continue;
            }
            views.remove(&build.id).await?;
            coordination.remove_entry(RETIRED, &key, entry.revision).await?;
            tracing::info!(build = %build.id, "a build that nobody asks any more is removed");
        }
        Ok(())
    }
}

/// What an entry of a retired build says: its age counts.
fn retired_note() -> Result<Json, Error> {
    Json::of("retired").map_err(|error| Error::invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::envelope::LogId;

    fn build(version: u32, generation: u32, standing: Option<Standing>) -> Build {
        let checkpoint = standing.map(|standing| Checkpoint {
            log: LogId::from_uuid(Uuid::nil()),
            position: Position::new(7),
            last: None,
            diverged: false,
            head: Position::new(7),
            as_of: Timestamp::UNIX_EPOCH,
            parked: 0,
            fence: 1,
            standing,
            partitions: 1,
        });
        Build { id: ProjectionId::new("orders", version).generation(generation), fingerprint: 0, checkpoint }
    }

    fn plan(builds: &[Build]) -> (String, Option<String>, Option<String>, Vec<String>) {
        let Plan { main, replaces, rebuild, outlived, .. } =
            Plan::of(builds, &ProjectionId::new("orders", 2));
        let text = |id: Option<ProjectionId>| id.map(|id| id.to_string());
        let outlived = outlived.into_iter().map(|(id, _)| id.to_string()).collect();
        (main.to_string(), text(replaces), text(rebuild), outlived)
    }

    const LIVE: Option<Standing> = Some(Standing::Live);
    const BUILDING: Option<Standing> = Some(Standing::Building);

    #[test]
    fn a_first_build_takes_nobodys_place() {
        assert_eq!(plan(&[]), ("orders v2".into(), None, None, vec![]));
        assert_eq!(plan(&[build(2, 0, None)]), ("orders v2".into(), None, None, vec![]));
        assert_eq!(plan(&[build(1, 0, None), build(3, 0, LIVE)]), ("orders v2".into(), None, None, vec![]));
    }

    #[test]
    fn a_new_version_takes_the_place_of_the_newest_older_one_that_answers() {
        let older =
            [build(1, 0, Some(Standing::Superseded { by: 1 })), build(1, 1, LIVE), build(1, 2, BUILDING)];
        let replaces = Some("orders v1, build 1".to_owned());
        assert_eq!(plan(&older), ("orders v2".into(), replaces.clone(), None, vec![]));
        let begun: Vec<Build> = older.into_iter().chain([build(2, 0, BUILDING)]).collect();
        assert_eq!(plan(&begun), ("orders v2".into(), replaces, None, vec![]));
    }

    #[test]
    fn a_rebuild_goes_on_beside_the_one_that_answers() {
        let builds = [build(1, 0, LIVE), build(2, 0, LIVE), build(2, 1, BUILDING)];
        assert_eq!(plan(&builds), ("orders v2".into(), None, Some("orders v2, build 1".into()), vec![]));
    }

    #[test]
    fn a_switch_that_was_cut_short_is_seen() {
        let builds = [build(2, 0, LIVE), build(2, 1, LIVE)];
        let (main, _, rebuild, outlived) = plan(&builds);
        assert_eq!((&*main, rebuild, outlived), ("orders v2, build 1", None, vec!["orders v2".to_owned()]));
    }
}
