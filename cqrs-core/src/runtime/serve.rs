//! Does what an operator asks of a projection.

use super::{
    control::{Control, Standstill},
    place::Place,
    retry::{Attempt, events_of},
    runner::{End, Runner},
};
use crate::{
    envelope::Position,
    operations::{Operation, Parked, Report, RequestOutcome, StillFailing},
    store::{Commit, EventFilter, Sequence},
};

/// How many parked events are tried at once.
const AT_ONCE: usize = 500;
/// How many parked events of a sequence a dry run looks at.
const DRY_RUN: usize = 10_000;

impl Runner {
    /// Does what is asked for by now, and finds out whether the projection is to stand still. Where it was moved, so that
    /// it has to start over, the answer is `true`.
    pub(super) async fn serve(
        &self,
        control: &mut Control,
        standstill: &mut Standstill,
        place: &mut Place,
    ) -> Result<bool, End> {
        let mut moved = false;
        for request in control.look().await? {
            let Some(request) = control.take(request).await? else { continue };
            place.settle().await?;
            let outcome = match &request.asked.operation {
                Operation::Pause => {
                    *standstill = control.set_paused(true, &request).await?;
                    RequestOutcome::Done(Report::default())
                }
                Operation::Resume => {
                    *standstill = control.set_paused(false, &request).await?;
                    RequestOutcome::Done(Report::default())
                }
                Operation::Rewind { to } => {
                    let before = place.position;
                    let outcome = self.rewind(place, *to).await?;
                    moved |= place.position < before;
                    outcome
                }
                Operation::Rebuild { .. } | Operation::AbandonRebuild
                    if self.parts.work.writes_by_itself() =>
                {
                    let reason =
                        "it writes by itself, and has no other build: empty its tables, and rewind it"
                            .to_owned();
                    RequestOutcome::Refused { reason }
                }
                Operation::Rebuild { from } => match self.begin_build(place.here(), *from).await? {
                    Ok(_) => {
                        moved = true;
                        RequestOutcome::Done(Report::default())
                    }
                    Err(reason) => RequestOutcome::Refused { reason },
                },
                Operation::AbandonRebuild => match self.abandon_build().await? {
                    Ok(_) => {
                        moved = true;
                        RequestOutcome::Done(Report::default())
                    }
                    Err(reason) => RequestOutcome::Refused { reason },
                },
                Operation::Retry { parked, dry_run } => self.retry(place, parked, *dry_run).await?,
                Operation::Skip { parked, .. } => self.skip(place, parked).await?,
            };
            let projection = &self.parts.projection;
            tracing::info!(%projection, by = request.asked.by, asked = ?request.asked.operation, ?outcome, "operated");
            control.end(request, outcome).await?;
        }
        Ok(moved)
    }

    /// Goes back, so that all that comes after a position is applied again.
    async fn rewind(&self, place: &mut Place, to: Position) -> Result<RequestOutcome, End> {
        let refused = |reason: String| Ok(RequestOutcome::Refused { reason });
        if !self.parts.work.writes_by_itself() {
            return refused(
                "its documents know what they have applied, and would pass over all of it: build it anew"
                    .to_owned(),
            );
        }
        if to >= place.position {
            let at = place.position;
            return refused(format!("it is at position {at}: {to} is no earlier one"));
        }
        let page = self.parts.log.read_log(to, &EventFilter::ALL, 1).await?;
        let mut checkpoint = place.here();
        (checkpoint.position, checkpoint.last) = (to, page.before);
        if let Some(next) = page.events.first() {
            checkpoint.as_of = next.metadata.time;
        }
        self.parts.views.commit(&place.projection, Commit::of(place.position, checkpoint)).await?;
        (place.position, place.last, place.as_of) = (to, checkpoint.last, checkpoint.as_of);
        self.parts.status.set_checkpoint(&checkpoint);
        Ok(RequestOutcome::Done(Report::default()))
    }

    /// The sequences that are meant, or why there are none.
    fn meant(place: &Place, parked: &Parked) -> Result<Vec<Sequence>, RequestOutcome> {
        match parked {
            Parked::All => {
                let mut all: Vec<Sequence> = place.parked.iter().cloned().collect();
                all.sort();
                Ok(all)
            }
            Parked::Sequence(sequence) if place.parked.contains(sequence) => Ok(vec![sequence.clone()]),
            Parked::Sequence(sequence) => {
                Err(RequestOutcome::Refused { reason: format!("nothing is parked for {sequence:?}") })
            }
        }
    }

    async fn retry(&self, place: &mut Place, parked: &Parked, dry_run: bool) -> Result<RequestOutcome, End> {
        let sequences = match Self::meant(place, parked) {
            Ok(sequences) => sequences,
            Err(refused) => return Ok(refused),
        };
        if dry_run && self.parts.work.writes_by_itself() {
            let reason = "a projection that writes by itself has no dry run".to_owned();
            return Ok(RequestOutcome::Refused { reason });
        }
        let mut report = Report::default();
        for sequence in &sequences {
            self.retry_sequence(place, sequence, dry_run, &mut report).await?;
        }
        if !dry_run {
            self.reread(place).await?;
        }
        Ok(RequestOutcome::Done(report))
    }

    async fn skip(&self, place: &mut Place, parked: &Parked) -> Result<RequestOutcome, End> {
        let sequences = match Self::meant(place, parked) {
            Ok(sequences) => sequences,
            Err(refused) => return Ok(refused),
        };
        let (views, id) = (&self.parts.views, place.projection.clone());
        let mut report = Report::default();
        for sequence in &sequences {
            let first = views.dead_letters(&id, Some(sequence), Position::ZERO, 1).await?;
            let resolved = first.into_iter().map(|letter| (letter.sequence, letter.position)).collect();
            views.commit(&id, Commit { resolved, ..Commit::of(place.position, place.here()) }).await?;
            report.skipped += 1;
            self.retry_sequence(place, sequence, false, &mut report).await?;
        }
        self.reread(place).await?;
        Ok(RequestOutcome::Done(report))
    }

    /// Tries the events of a sequence up to the first that fails.
    async fn retry_sequence(
        &self,
        place: &mut Place,
        sequence: &Sequence,
        dry_run: bool,
        report: &mut Report,
    ) -> Result<(), End> {
        let super::runner::RunnerParts { log, work, views, .. } = &self.parts;
        let projection = place.projection.clone();
        let limit = if dry_run { DRY_RUN } else { AT_ONCE };
        let mut after = Position::ZERO;
        loop {
            let letters = views.dead_letters(&projection, Some(sequence), after, limit).await?;
            let Some(last) = letters.last() else { return Ok(()) };
            after = last.position;
            let events = events_of(&**log, &letters).await?;
            let attempt = Attempt { sequence, letters: &letters, events: &events, dry_run };
            let attempted = work.retry(attempt, place).await?;
            report.retried += u64::try_from(attempted.resolved).unwrap_or(u64::MAX);
            if let Some((position, error)) = attempted.failed {
                report.failing.push(StillFailing { sequence: sequence.clone(), position, error });
                return Ok(());
            }
            if dry_run {
                return Ok(());
            }
        }
    }

    /// What is parked is another thing now.
    async fn reread(&self, place: &mut Place) -> Result<(), End> {
        let (views, id) = (&self.parts.views, place.projection.clone());
        place.parked = views.parked_sequences(&id).await?.into_iter().collect();
        place.recent.forget();
        if let Some(checkpoint) = views.checkpoint(&id).await? {
            self.parts.status.set_checkpoint(&checkpoint);
        }
        Ok(())
    }
}
