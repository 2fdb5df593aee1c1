//! What of a batch can't go in, as far as the log has said.

use std::collections::HashSet;

use cqrs_core::{
    envelope::{CommandId, EventId, Version},
    store::AppendError,
};

use super::{
    job::{Checked, Job},
    plan::{Places, given_twice},
};

/// What the log has said about a batch that did not go in.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The version of each stream of the plan.
    pub(super) versions: Vec<Version>,
    /// Of the batch's commands, those that the log knows.
    pub(super) commands: HashSet<CommandId>,
    /// Of the batch's events, those that the log has, where it was asked.
    pub(super) events: HashSet<EventId>,
}

/// What can be said for good about an append that did not go in.
#[derive(Debug)]
pub(super) enum Verdict {
    Refused(AppendError),
    /// Its command is known.
    Repeated,
    /// It was sent before, and is in the log.
    Recorded,
}

/// Says of each append, in order, what the facts alone say. What depends on whether earlier ones go in is left open, and
/// so are those that may go in.
pub(super) fn judge(jobs: &[Job], places: &Places<'_>, facts: &Facts) -> Vec<Option<Verdict>> {
    let mut bench = Bench {
        places,
        facts,
        versions: facts.versions.clone(),
        commands: HashSet::new(),
        events: HashSet::new(),
    };
    jobs.iter().map(|job| bench.judge(job)).collect()
}

struct Bench<'a> {
    places: &'a Places<'a>,
    facts: &'a Facts,
    /// Of the streams, with what earlier appends of the batch add.
    versions: Vec<Version>,
    /// What earlier appends of the batch bring.
    commands: HashSet<CommandId>,
    events: HashSet<EventId>,
}

impl Bench<'_> {
    fn judge(&mut self, Job { append, unknown, outdated, .. }: &Job) -> Option<Verdict> {
        let command = append.command.as_ref().map(|command| command.id);
        let is_known = command.is_none_or(|id| self.facts.commands.contains(&id));
        if *unknown && is_known && self.is_recorded(append) {
            return Some(Verdict::Recorded);
        }
        if command.is_some() && is_known {
            return Some(Verdict::Repeated);
        }
        if *outdated {
            return Some(Verdict::Refused(AppendError::OtherPast));
        }
        if command.is_some_and(|id| self.commands.contains(&id)) {
            return None;
        }
        for (stream, expected) in &append.conditions {
            let place = self.places[stream];
            let actual = self.facts.versions[place];
            if self.versions[place] == *expected {
                continue;
            }
            if self.versions[place] != actual {
                return None;
            }
            let (stream, expected) = (stream.clone(), *expected);
            return Some(Verdict::Refused(AppendError::Conflict { stream, expected, actual }));
        }
        let twice = given_twice(append);
        for event in &append.events {
            let event_id = event.event_id;
            if self.events.contains(&event_id) {
                return None;
            }
            if self.facts.events.contains(&event_id) || twice == Some(event_id) {
                return Some(Verdict::Refused(AppendError::DuplicateEventId { event_id }));
            }
        }
        self.commands.extend(command);
        for event in &append.events {
            self.events.insert(event.event_id);
            let version = &mut self.versions[self.places[&event.stream]];
            *version = version.plus(1);
        }
        None
    }

    fn is_recorded(&self, append: &Checked) -> bool {
        !append.events.is_empty()
            && append.events.iter().all(|event| self.facts.events.contains(&event.event_id))
    }
}
