//! What each append of a batch is told.

use std::{collections::HashMap, sync::Arc};

use cqrs_core::{
    envelope::{CommandId, EventId, Position},
    store::{AppendError, AppendOutcome, Appended, Error, NewEvent, Past, Written},
};
use jiff::Timestamp;

use super::{
    append::Entry,
    job::{Checked, Job},
    judge::Verdict,
    plan::{Part, Plan},
    read::Place,
    reader::Reader,
};

/// The outcomes for a batch that went in; `None` for what goes into the next one.
pub(super) fn outcomes(
    plan: &Plan<'_>,
    jobs: &[Job],
    entry: &Entry,
    past: Past,
) -> Vec<Option<Result<AppendOutcome, AppendError>>> {
    let outcome = |(part, job): (&Part, &Job)| match part {
        Part::In { first } => {
            Some(Ok(AppendOutcome::Appended(appended(plan, entry, past, *first, &job.append))))
        }
        Part::Contradicted { condition, actual } => {
            let (stream, expected) = job.append.conditions[*condition].clone();
            Some(Err(AppendError::Conflict { stream, expected, actual: entry.version(*actual) }))
        }
        Part::Later => None,
    };
    plan.parts.iter().zip(jobs).map(outcome).collect()
}

fn appended(plan: &Plan<'_>, entry: &Entry, past: Past, first: usize, append: &Checked) -> Appended {
    let steps = plan.events.iter().skip(first).take(append.events.len());
    let events: Vec<_> = steps
        .zip(first as u64 + 1..)
        .map(|(step, place)| Written { version: entry.version(*step), position: entry.head.plus(place) })
        .collect();
    let position = events.last().map_or_else(|| entry.head.plus(first as u64), |last| last.position);
    // Without events, it does not show how its streams have got to their versions.
    let past = if append.events.is_empty() { Past::UNKNOWN } else { past };
    Appended { events, time: entry.time, position, past }
}

/// Tells what there is a verdict on, on the side: what the log knows of it may have to be read.
pub(super) fn tell(reader: &Arc<Reader>, job: Job, verdict: Verdict) {
    if let Verdict::Refused(error) = verdict {
        return job.answer(Err(error));
    }
    let reader = Arc::clone(reader);
    reader.database.runtime.clone().spawn(async move {
        let known = match (verdict, &job.append.command) {
            (Verdict::Repeated, Some(command)) => repeated(&reader, command.id).await,
            _ => recorded(&reader, &job.append).await,
        };
        match known {
            Ok(outcome) => job.answer(outcome),
            Err(error) => job.fail(error),
        }
    });
}

/// What became of a command the first time.
async fn repeated(reader: &Reader, id: CommandId) -> Result<Result<AppendOutcome, AppendError>, Error> {
    match reader.command(id).await? {
        Some(known) => Ok(Ok(AppendOutcome::Repeated(Box::new(known)))),
        None => Err(Error::corrupt(format!("the command {id} is no longer in the log"))),
    }
}

/// Where the events of an append went whose answer was lost.
async fn recorded(reader: &Reader, append: &Checked) -> Result<Result<AppendOutcome, AppendError>, Error> {
    let ids = append.events.iter().map(|event| event.event_id.as_uuid()).collect();
    let places = reader.places(ids).await?;
    let places: HashMap<EventId, Place> = places.into_iter().map(|place| (place.event_id, place)).collect();
    let mut appended =
        Appended { events: Vec::new(), time: Timestamp::MIN, position: Position::ZERO, past: Past::UNKNOWN };
    for NewEvent { event_id, stream, .. } in &append.events {
        let Some(place) = places.get(event_id) else {
            return Err(Error::corrupt(format!("the event {event_id} is no longer in the log")));
        };
        if place.stream != *stream {
            // The id of somebody else's event.
            return Ok(Err(AppendError::DuplicateEventId { event_id: *event_id }));
        }
        appended.events.push(Written { version: place.version, position: place.position });
        (appended.time, appended.position) = (place.time, place.position);
    }
    Ok(Ok(AppendOutcome::Appended(appended)))
}
