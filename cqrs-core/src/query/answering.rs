use crate::store::{Build, Checkpoint, Error, Partition, ProjectionId, Standing, ViewStore};

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answering {
    pub(super) build: ProjectionId,
    pub(super) partitions: u16,
}

impl Answering {
    /// A build that is not divided.
    pub(super) const fn whole(build: ProjectionId) -> Self {
        Self { build, partitions: 1 }
    }

    /// What has the checkpoint of these documents.
    pub(super) fn place(&self, of: Partition) -> ProjectionId {
        self.build.partition(of.among(self.partitions))
    }

    /// All of its partitions.
    pub(super) fn places(&self) -> impl Iterator<Item = ProjectionId> + '_ {
        Partition::all(self.partitions).map(|partition| self.build.partition(partition))
    }

    /// Whether there is no need to look for another one.
    pub(super) fn is_current(&self, projection: &ProjectionId, checkpoint: Option<&Checkpoint>) -> bool {
        self.build.version == projection.version
            && checkpoint.is_some_and(|checkpoint| {
                checkpoint.standing == Standing::Live && checkpoint.partitions == self.partitions
            })
    }

    pub(super) fn is_divided(&self) -> bool {
        self.partitions > 1
    }
}

/// The build that answers queries of a projection.
pub(crate) async fn current_build(
    store: &dyn ViewStore,
    projection: &ProjectionId,
) -> Result<ProjectionId, Error> {
    Ok(choose(&store.builds(&projection.name).await?, projection).build)
}

/// The newest build that has caught up, of this version or an older one; else the first of this version.
pub(super) fn choose(builds: &[Build], projection: &ProjectionId) -> Answering {
    let is_live = |build: &&Build| {
        build.id.partition.is_whole()
            && build.id.version <= projection.version
            && build.checkpoint.is_some_and(|checkpoint| checkpoint.standing == Standing::Live)
    };
    // Sorted by id: the last is the newest.
    let live = builds.iter().rfind(is_live);
    let of_live = |build: &Build| Answering {
        build: build.id.clone(),
        partitions: build.checkpoint.map_or(1, |checkpoint| checkpoint.partitions),
    };
    live.map_or_else(|| Answering::whole(projection.whole()), of_live)
}

/// How far a build is, all of its partitions included.
pub(crate) fn checkpoint_of(builds: &[Build], id: &ProjectionId) -> Option<Checkpoint> {
    let of = |id: &ProjectionId| builds.iter().find(|build| build.id == *id)?.checkpoint;
    let whole = of(id)?;
    if whole.partitions == 1 {
        return Some(whole);
    }
    let partitions: Vec<_> =
        Partition::all(whole.partitions).map(|partition| of(&id.partition(partition))).collect();
    Checkpoint::of_partitions(whole, &partitions)
}
