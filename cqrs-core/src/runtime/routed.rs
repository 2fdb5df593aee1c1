use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    batch::{Changes, Foldable},
    place::{Goal, Place, settle},
    policy::Stop,
    sent::{Fold, send_together},
    work::Batch,
};
use crate::{
    envelope::Position,
    store::{
        BoxFuture, DeadLetter, Error, Partition, ProjectionId, Reason, Sequence, StoredDocument, ViewStore,
    },
};

/// Events that are routed to their documents.
pub(super) struct Routed {
    pub(super) steps: Box<dyn Foldable>,
    pub(super) views: Arc<dyn ViewStore>,
}

/// What concerns one partition.
struct Share<'p> {
    place: &'p mut Place,
    steps: Box<dyn Foldable>,
    keys: Vec<String>,
}

/// The same, folded.
struct Folded<'p> {
    place: &'p mut Place,
    fold: Fold,
    changes: Changes,
    keys: Vec<String>,
}

impl Batch for Routed {
    fn write(self: Box<Self>, place: &mut Place, goal: Goal) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            let Self { steps, views } = *self;
            let keys = steps.keys();
            let (mut stored, missing) = place.documents(&keys);
            if !missing.is_empty() {
                stored.extend(views.load(&place.projection, &missing).await?);
            }
            let fold = Fold::new(steps, views, stored, place);
            let mut folded = Folded { changes: fold.run(), place, fold, keys };
            folded.follow().await?;
            let Folded { place, fold, changes, .. } = folded;
            place.sent = Some(fold.pack(changes, place, goal)?.send());
            // There is nothing to do meanwhile.
            if goal.is_head() {
                place.settle().await?;
            }
            Ok(())
        })
    }

    fn write_among(self: Box<Self>, places: &mut [Place], goal: Goal) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            let Self { steps, views } = *self;
            let at: Vec<_> =
                places.iter().map(|place| (place.projection.partition, place.position)).collect();
            let build = places.first().map(|place| place.projection.whole());
            let (mut shares, mut others) = (Vec::new(), Vec::new());
            for (place, steps) in places.iter_mut().zip(steps.among(&at)) {
                match steps {
                    Some(steps) => shares.push(Share { keys: steps.keys(), place, steps }),
                    None => others.push(place),
                }
            }
            let mut folded = fold(shares, &views).await?;
            // The page before is on its way by one commit, also for those that this one does not concern: what was parked
            // with it counts for all.
            for share in &mut folded {
                share.follow().await?;
            }
            for place in &mut others {
                place.settle().await?;
            }
            let here = folded.iter().map(|share| &*share.place).chain(others.iter().map(|place| &**place));
            let mut parked: Arc<HashSet<_>> =
                Arc::new(here.flat_map(|place| place.parked.iter().cloned()).collect());
            let fails = |letter: &DeadLetter| {
                matches!(letter.reason, Reason::Failed(_)) && !parked.contains(&letter.sequence)
            };
            if folded.iter().any(|share| share.changes.parked.iter().any(fails)) {
                let elsewhere = parked_elsewhere(&*views, build.as_ref(), &at).await?;
                Arc::make_mut(&mut parked).extend(elsewhere);
            }
            let mut packed = Vec::with_capacity(folded.len());
            let mut written = Vec::with_capacity(folded.len());
            for Folded { place, fold, changes, .. } in folded {
                let parks = !changes.parked.is_empty();
                place.policy.others = Arc::clone(&parked);
                packed.push(fold.pack(changes, place, goal)?);
                if parks {
                    Arc::make_mut(&mut parked).extend(place.parked.iter().cloned());
                }
                written.push(place);
            }
            for (place, sent) in written.iter_mut().zip(send_together(&views, packed)) {
                place.sent = Some(sent);
            }
            if goal.is_head() {
                settle(written).await?;
            }
            Ok(())
        })
    }
}

/// What is parked in the partitions that other applications run: a bound holds for all of them together.
async fn parked_elsewhere(
    views: &dyn ViewStore,
    build: Option<&ProjectionId>,
    here: &[(Partition, Position)],
) -> Result<Vec<Sequence>, Stop> {
    let mut parked = Vec::new();
    let (Some(build), Some((first, _))) = (build, here.first()) else { return Ok(parked) };
    let here: HashSet<Partition> = here.iter().map(|(partition, _)| *partition).collect();
    for partition in Partition::all(first.of()).filter(|partition| !here.contains(partition)) {
        parked.extend(views.parked_sequences(&build.partition(partition)).await?);
    }
    Ok(parked)
}

/// Folds into the documents as they are once what was sent is written; those that are not known here are loaded together.
async fn fold<'p>(mut shares: Vec<Share<'p>>, views: &Arc<dyn ViewStore>) -> Result<Vec<Folded<'p>>, Stop> {
    let (mut stored, mut missing) = (HashMap::new(), Vec::new());
    for Share { place, keys, .. } in &mut shares {
        let (found, not_found) = place.documents(keys);
        stored.insert(place.projection.partition, found);
        missing.extend(not_found);
    }
    if let Some(Share { place, .. }) = shares.first().filter(|_| !missing.is_empty()) {
        let (build, of) = (place.projection.whole(), place.projection.partition.of());
        for document in views.load(&build, &missing).await? {
            let partition = Partition::of_key(&document.key).among(of);
            let Some(stored) = stored.get_mut(&partition) else {
                let what =
                    format!("the read store has loaded {:?}, which it was not asked for", document.key);
                return Err(Error::corrupt(what).into());
            };
            stored.push(document);
        }
    }
    let folded = shares.into_iter().map(|Share { place, steps, keys }| {
        let stored: Vec<StoredDocument> = stored.remove(&place.projection.partition).unwrap_or_default();
        let fold = Fold::new(steps, Arc::clone(views), stored, place);
        Folded { changes: fold.run(), place, fold, keys }
    });
    Ok(folded.collect())
}

impl Folded<'_> {
    /// Waits until what came before is written. Where it turned out otherwise than was said, folds again.
    async fn follow(&mut self) -> Result<(), Stop> {
        let Self { place, fold, changes, keys } = self;
        if place.settle().await? {
            fold.again(keys, place.parked.clone()).await?;
            *changes = fold.run();
        }
        Ok(())
    }
}
