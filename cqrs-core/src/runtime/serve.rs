//! Does what an operator asks of a projection.

use std::collections::BTreeSet;

use super::{
    balance::Balance,
    builds::Plan,
    control::{Control, Standstill},
    end::End,
    flow::Flow,
    follow::Beside,
    lease::Lease,
    place::Place,
    retry::{Attempt, events_of},
    runner::{Runner, RunnerParts},
};
use crate::{
    envelope::Position,
    operations::{Operation, Parked, Report, Request, RequestOutcome, StillFailing},
    store::{Commit, EventFilter, Sequence},
};

/// How many parked events are tried at once.
const AT_ONCE: usize = 500;
/// How many parked events of a sequence a dry run looks at.
const DRY_RUN: usize = 10_000;

impl Runner {
    /// Does what is asked for by now, and finds out whether the projection is to stand still. Where it was moved, so that
    /// it has to start over, the answer is `true`.
    ///
    /// It is the application that leads which does it. What concerns all documents waits until it runs all partitions.
    pub(super) async fn serve(
        &self,
        control: &mut Control,
        standstill: &mut Standstill,
        flow: &mut Flow,
        lease: &Lease,
        balance: &mut Balance,
        beside: &mut Beside,
    ) -> Result<bool, End> {
        if !lease.leads() {
            if control.is_time() {
                *standstill = control.standstill().await?;
            }
            return Ok(false);
        }
        let Some(waiting) = control.look().await? else { return Ok(false) };
        if !waiting.iter().any(|request| request.asked.operation.concerns_all()) {
            balance.let_go();
        }
        let (mut moved, mut served) = (false, false);
        for request in waiting {
            // Where it stands still, its partitions are left where they are.
            let are_even = standstill.paused.is_none();
            if request.asked.operation.concerns_all() && !self.gather(flow, balance, are_even).await? {
                return Ok(moved);
            }
            flow.settle().await?;
            // Whoever had taken it was interrupted, and may have done it.
            let again = request.asked.taken_by.is_some();
            let Some(request) = control.take(request).await? else { continue };
            if request.asked.operation == Operation::AbandonRebuild {
                beside.end_rebuild().await;
                moved = true;
            }
            let before = flow.position;
            let outcome = self.operate(&request, again, control, standstill, flow).await?;
            moved |= flow.position < before;
            let is_done = matches!(outcome, RequestOutcome::Done(_));
            moved |= is_done && request.asked.operation.changes_builds();
            let projection = &self.parts.projection;
            tracing::info!(%projection, by = request.asked.by, asked = ?request.asked.operation, ?outcome, "operated");
            control.end(request, outcome).await?;
            served = true;
        }
        if served {
            balance.let_go();
        }
        Ok(moved)
    }

    async fn operate(
        &self,
        request: &Request,
        again: bool,
        control: &Control,
        standstill: &mut Standstill,
        flow: &mut Flow,
    ) -> Result<RequestOutcome, End> {
        let done = RequestOutcome::Done(Report::default());
        let writes_by_itself = self.parts.work.writes_by_itself();
        Ok(match &request.asked.operation {
            Operation::Pause => {
                *standstill = control.set_paused(true, request).await?;
                done
            }
            Operation::Resume => {
                *standstill = control.set_paused(false, request).await?;
                done
            }
            Operation::Rewind { to } => self.rewind(flow, *to).await?,
            Operation::Rebuild { .. } | Operation::AbandonRebuild if writes_by_itself => {
                let reason =
                    "it writes by itself, and has no other build: empty its tables, and rewind it".to_owned();
                RequestOutcome::Refused { reason }
            }
            Operation::Rebuild { from } => {
                let Some(main) = flow.main() else { return Err(End::taken_over()) };
                match self.begin_build(main, *from).await? {
                    Err(reason) if !(again && self.is_rebuilt().await?) => refused(reason),
                    _ => done,
                }
            }
            Operation::AbandonRebuild => match self.abandon_build().await? {
                Err(reason) if !again => refused(reason),
                _ => done,
            },
            Operation::Retry { parked, dry_run } => self.retry(flow, parked, *dry_run).await?,
            Operation::Skip { events, .. } => self.skip(flow, events, again).await?,
        })
    }

    /// Whether a build of it is under way.
    async fn is_rebuilt(&self) -> Result<bool, End> {
        let RunnerParts { views, projection, .. } = &self.parts;
        Ok(Plan::read(&**views, projection).await?.rebuild.is_some())
    }

    /// Goes back, so that all that comes after a position is applied again.
    async fn rewind(&self, flow: &mut Flow, to: Position) -> Result<RequestOutcome, End> {
        if !self.parts.work.writes_by_itself() {
            return Ok(refused(
                "its documents know what they have applied, and would pass over all of it: build it anew"
                    .to_owned(),
            ));
        }
        let Some(place) = flow.main() else { return Err(End::taken_over()) };
        if to >= place.position {
            let at = place.position;
            return Ok(refused(format!("it is at position {at}: {to} is no earlier one")));
        }
        let page = self.parts.log.read_log(to, &EventFilter::ALL, 1).await?;
        let mut checkpoint = place.here();
        (checkpoint.position, checkpoint.last) = (to, page.before);
        if let Some(next) = page.events.first() {
            checkpoint.as_of = next.metadata.time;
        }
        self.parts.views.commit(&place.projection, Commit::of(place.position, checkpoint)).await?;
        (place.position, place.last, place.as_of) = (to, checkpoint.last, checkpoint.as_of);
        self.parts.status.set_checkpoint(&place.projection, &checkpoint);
        flow.position = to;
        Ok(RequestOutcome::Done(Report::default()))
    }

    /// The sequences that are meant, or why there are none.
    fn meant(flow: &Flow, parked: &Parked) -> Result<Vec<Sequence>, RequestOutcome> {
        let known: BTreeSet<&Sequence> = flow.places.iter().flat_map(|place| &place.parked).collect();
        match parked.sequence() {
            None => Ok(known.into_iter().cloned().collect()),
            Some(sequence) if known.contains(sequence) => Ok(vec![sequence.clone()]),
            Some(sequence) => Err(refused(format!("nothing is parked for {sequence:?}"))),
        }
    }

    async fn retry(&self, flow: &mut Flow, parked: &Parked, dry_run: bool) -> Result<RequestOutcome, End> {
        let sequences = match Self::meant(flow, parked) {
            Ok(sequences) => sequences,
            Err(refused) => return Ok(refused),
        };
        if dry_run && self.parts.work.writes_by_itself() {
            return Ok(refused("a projection that writes by itself has no dry run".to_owned()));
        }
        let mut report = Report::default();
        for sequence in &sequences {
            self.retry_sequence(flow, sequence, dry_run, &mut report).await?;
        }
        if !dry_run {
            self.reread(flow).await?;
        }
        Ok(RequestOutcome::Done(report))
    }

    /// `again`: somebody had begun it who was interrupted.
    async fn skip(
        &self,
        flow: &mut Flow,
        events: &[(Sequence, Position)],
        again: bool,
    ) -> Result<RequestOutcome, End> {
        let mut report = Report::default();
        for (sequence, position) in events {
            let mut is_given_up = again;
            for place in having(flow, sequence) {
                let (views, id) = (&self.parts.views, &place.projection);
                let first = views.dead_letters(id, Some(sequence), Position::ZERO, 1).await?;
                let first = first.into_iter().filter(|letter| letter.position == *position);
                let resolved: Vec<_> = first.map(|letter| (letter.sequence, letter.position)).collect();
                if !resolved.is_empty() {
                    views.commit(id, Commit { resolved, ..Commit::of(place.position, place.here()) }).await?;
                    is_given_up = true;
                }
            }
            if is_given_up {
                report.skipped += 1;
                self.retry_sequence(flow, sequence, false, &mut report).await?;
            }
        }
        self.reread(flow).await?;
        Ok(match events {
            [(sequence, position), ..] if report.skipped == 0 => refused(format!(
                "the event at position {position} is not, or no longer, the first that is parked for {sequence:?}: look again at \
                 what is"
            )),
            _ => RequestOutcome::Done(report),
        })
    }

    /// Tries the events of a sequence, in each partition that has parked it.
    async fn retry_sequence(
        &self,
        flow: &mut Flow,
        sequence: &Sequence,
        dry_run: bool,
        report: &mut Report,
    ) -> Result<(), End> {
        let mut attempts = Report::default();
        for place in having(flow, sequence) {
            let mut attempt = Report::default();
            self.retry_place(place, sequence, dry_run, &mut attempt).await?;
            // A stream may be parked in several of them: it is the same events.
            attempts.retried = attempts.retried.max(attempt.retried);
            attempts.failing.extend(attempt.failing);
        }
        attempts.failing.sort_by_key(|failing| failing.position);
        report.retried += attempts.retried;
        report.failing.extend(attempts.failing.into_iter().next());
        Ok(())
    }

    /// Tries the events of a sequence up to the first that fails.
    async fn retry_place(
        &self,
        place: &mut Place,
        sequence: &Sequence,
        dry_run: bool,
        report: &mut Report,
    ) -> Result<(), End> {
        let RunnerParts { log, work, views, .. } = &self.parts;
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
    async fn reread(&self, flow: &mut Flow) -> Result<(), End> {
        let views = &self.parts.views;
        for place in &mut flow.places {
            let id = &place.projection;
            place.parked = views.parked_sequences(id).await?.into_iter().collect();
            if let Some(checkpoint) = views.checkpoint(id).await? {
                self.parts.status.set_checkpoint(id, &checkpoint);
            }
            place.forget();
        }
        Ok(())
    }
}

const fn refused(reason: String) -> RequestOutcome {
    RequestOutcome::Refused { reason }
}

/// The places in which a sequence is parked.
fn having<'f>(flow: &'f mut Flow, sequence: &'f Sequence) -> impl Iterator<Item = &'f mut Place> {
    flow.places.iter_mut().filter(|place| place.parked.contains(sequence))
}
