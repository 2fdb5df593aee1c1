use std::{fmt, future::IntoFuture};

use super::{
    Provenance, QueryError, Source,
    freshness::{Demand, Fallback, Judged, demand_methods},
};
use crate::store::{BoxFuture, ProjectionId, Read};

/// Asks how fresh a projection is, and waits until it is fresh enough; await it for a [`Provenance`].
///
/// For queries in the read store's own language: whoever asks the database *after* the check has come back gets an
/// answer that is at least as fresh as the check says. See `docs/consistency.md` for what the database's own read has to
/// be for that.
#[must_use = "a check does nothing until it is awaited"]
pub struct FreshnessCheck {
    source: Source,
    projection: ProjectionId,
    demand: Demand,
}

impl FreshnessCheck {
    pub(crate) fn new(source: Source, projection: ProjectionId) -> Self {
        Self { source, projection, demand: Demand::default() }
    }

    demand_methods!();

    async fn run(self) -> Result<Provenance, QueryError> {
        let Self { source, projection, demand } = self;
        let started = tokio::time::Instant::now();
        let judged = demand
            .meet(&source, &projection, None, |views| {
                let projection = projection.clone();
                Box::pin(async move {
                    let checkpoint = views.checkpoint(&projection).await?;
                    Ok(Read { value: (), checkpoint })
                })
            })
            .await?;
        demand.accept(&source, projection, &judged, started)
    }
}

impl Demand {
    /// Where a judged answer stands, if it is fresh enough or may be stale.
    pub(super) fn accept<T>(
        &self,
        source: &Source,
        projection: ProjectionId,
        judged: &Judged<T>,
        started: tokio::time::Instant,
    ) -> Result<Provenance, QueryError> {
        let mut provenance = judged.provenance(source);
        if !judged.fresh {
            if self.fallback != Fallback::Stale {
                return Err(self.not_yet(projection, &provenance, started.elapsed()));
            }
            provenance.stale = true;
        }
        Ok(provenance)
    }
}

impl IntoFuture for FreshnessCheck {
    type Output = Result<Provenance, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for FreshnessCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshnessCheck").field("projection", &self.projection).finish_non_exhaustive()
    }
}
