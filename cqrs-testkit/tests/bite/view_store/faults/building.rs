use cqrs_core::store::ProjectionId;

use crate::{
    hook::hook,
    view_store::{Faults, Sound},
};

/// Stores that break the rule where they list builds, or remove one.
pub(super) fn building(rule: &str) -> Option<Faults> {
    let mut broken = Faults::default();
    match rule {
        "builds_are_listed" => {
            broken.builds = hook(|store: Sound, name: String| async move {
                let mut builds = store.builds(&name).await?;
                // As where only those with a checkpoint are known.
                builds.retain(|build| build.checkpoint.is_some());
                Ok(builds)
            });
        }
        "a_build_that_is_removed_is_gone" => {
            broken.remove = hook(|store: Sound, id: ProjectionId| async move {
                // All builds of the version go with it.
                for build in store.builds(&id.name).await? {
                    if build.id.version == id.version {
                        store.remove(&build.id).await?;
                    }
                }
                Ok(())
            });
        }
        _ => return None,
    }
    Some(broken)
}
