use super::{
    Verification, Verify, VerifyError,
    compare::Comparing,
    fold::{Folder, Pass},
};
use crate::{
    domain::{Feeds, Projection},
    envelope::Position,
    store::{EventFilter, EventStore, ProjectionId, Standing, ViewStore},
};

/// Compares the documents of `P` with a fold of the log from scratch.
pub(crate) async fn verify<P: Projection>(
    log: &dyn EventStore,
    views: &dyn ViewStore,
    verify: Verify,
) -> Result<Verification, VerifyError> {
    let projection = ProjectionId::of::<P>();
    let until = position(log, views, &projection).await?;
    let comparing = Comparing { views, projection: &projection, until };
    let mut report = Verification::of(projection.clone(), until);
    let mut from = 0;
    loop {
        let parked = comparing.parked_streams().await?;
        let mut folder = Folder {
            log,
            projection: projection.clone(),
            feeds: Feeds::<P>::of(),
            parked: parked.clone(),
            last: None,
        };
        let mut pass = Pass::from(from);
        folder.fold(&verify, until, &mut pass).await?;
        let (mut so_far, documents) = (report.clone(), std::mem::take(&mut pass.documents));
        so_far.passes += 1;
        let known = documents.keys().cloned().collect();
        comparing.compare(&mut folder, documents, &mut so_far).await?;
        if !verify.sample {
            comparing.find_surplus(&verify, &pass, &known, &mut so_far).await?;
        }
        // What was parked may have been folded in meanwhile: then this says nothing.
        let still_parked = comparing.parked_streams().await?;
        if parked.iter().any(|(stream, first)| still_parked.get(stream) != Some(first)) {
            report.passes += 1;
            continue;
        }
        report = so_far;
        match pass.next.filter(|_| !verify.sample) {
            Some(next) => from = next,
            None => return Ok(report),
        }
    }
}

/// Where the projection stands, if it is built from this log.
async fn position(
    log: &dyn EventStore,
    views: &dyn ViewStore,
    projection: &ProjectionId,
) -> Result<Position, VerifyError> {
    let checkpoint = views.checkpoint(projection).await?;
    let Some(checkpoint) = checkpoint.filter(|checkpoint| checkpoint.standing == Standing::Live) else {
        return Err(VerifyError::Unbuilt { projection: projection.clone() });
    };
    let diverged = || VerifyError::Diverged { projection: projection.clone() };
    if checkpoint.is_of_another_past(Some(log.log_id())) {
        return Err(diverged());
    }
    let page = log.read_log(checkpoint.position, &EventFilter::ALL, 1).await?;
    let is_there =
        page.head >= checkpoint.position && (checkpoint.last.is_none() || page.before == checkpoint.last);
    if is_there { Ok(checkpoint.position) } else { Err(diverged()) }
}
