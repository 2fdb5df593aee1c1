//! What of a batch goes into one transaction.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use cqrs_core::envelope::{CommandId, EventId, StreamId, Version};

use super::job::{Checked, Job};

/// Finds a stream's place among those of a batch.
pub(super) type Places<'a> = HashMap<&'a StreamId, usize>;

/// A batch of appends as one call of the server takes it: on the assumption that all conditions hold.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// All streams of all appends.
    pub(super) streams: Vec<Stream<'a>>,
    /// What becomes of each append if the assumption is right.
    pub(super) parts: Vec<Part>,
    /// What goes in.
    pub(super) events: Vec<Step>,
    pub(super) commands: Vec<Recording>,
    pub(super) places: Places<'a>,
}

/// A stream that a batch deals with.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    pub(super) id: &'a StreamId,
    /// The version that it is to be at before the batch; `None`: any.
    pub(super) expected: Option<Version>,
    /// How many events it gets.
    pub(super) steps: u64,
    /// That it has got to the expected version needs no proof but the anchor's.
    pub(super) vouched: bool,
}

impl Stream<'_> {
    /// The version that it must have got to, where that is to be looked up.
    pub(super) fn checked(&self) -> Option<Version> {
        self.expected.filter(|version| !self.vouched && *version > Version::ZERO)
    }
}

/// Where something comes in its stream: so many events after its version before the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) stream: usize,
    pub(super) step: u64,
}

/// A command that goes in.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) job: usize,
    pub(super) at: Step,
    /// How many events of the batch there are, up to and with its own.
    pub(super) place: usize,
}

/// One append's part in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It goes in, its events from this place in the batch on.
    In { first: usize },
    /// Where the others go in, this condition of it can't hold: its stream is so many events on.
    Contradicted { condition: usize, actual: Step },
    /// That can't be told before the others have gone in.
    Later,
}

impl<'a> Plan<'a> {
    /// Plans in the order of the appends. A `strict` plan leaves out what is wrong in itself.
    pub(super) fn new(jobs: &'a [Job], strict: bool) -> Self {
        let mut plan = Self {
            streams: Vec::with_capacity(jobs.len()),
            parts: Vec::with_capacity(jobs.len()),
            events: Vec::with_capacity(jobs.len()),
            commands: Vec::new(),
            places: Places::with_capacity(jobs.len()),
        };
        let mut commands = HashSet::new();
        for (job, Job { append, outdated, .. }) in jobs.iter().enumerate() {
            let part = plan.part(append, *outdated, &mut commands, strict);
            if matches!(part, Part::In { .. }) {
                plan.take_in(job, append);
            }
            plan.parts.push(part);
        }
        plan
    }

    /// Whether the exact versions of streams are to be looked at: where the batch itself would not notice that one is further.
    pub(super) fn needs_versions(&self) -> bool {
        let command_only = |stream: usize| self.commands.iter().any(|command| command.at.stream == stream);
        self.streams
            .iter()
            .enumerate()
            .any(|(place, stream)| stream.steps == 0 && (stream.expected.is_some() || command_only(place)))
    }

    /// The last event that goes in.
    pub(super) fn last_event(&self, jobs: &[Job]) -> Option<EventId> {
        let mut included = jobs.iter().zip(&self.parts).filter(|(_, part)| matches!(part, Part::In { .. }));
        included
            .rfind(|(job, _)| !job.append.events.is_empty())?
            .0
            .append
            .events
            .last()
            .map(|event| event.event_id)
    }

    fn place(&mut self, id: &'a StreamId) -> usize {
        match self.places.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.streams.push(Stream { id, expected: None, steps: 0, vouched: false });
                *new.insert(self.streams.len() - 1)
            }
        }
    }

    fn part(
        &mut self,
        append: &'a Checked,
        outdated: bool,
        commands: &mut HashSet<CommandId>,
        strict: bool,
    ) -> Part {
        // All streams are looked at, be the append in or not.
        for event in &append.events {
            self.place(&event.stream);
        }
        if let Some(command) = &append.command {
            self.place(&command.stream);
        }
        if outdated {
            return Part::Later;
        }
        let part = self.conditions(append);
        if !matches!(part, Part::In { .. }) {
            return part;
        }
        let repeats = append.command.as_ref().is_some_and(|command| !commands.insert(command.id));
        if repeats || (strict && given_twice(append).is_some()) { Part::Later } else { part }
    }

    fn conditions(&mut self, append: &'a Checked) -> Part {
        let mut part = Part::In { first: self.events.len() };
        // What earlier conditions of this append assume is not yet part of the plan.
        let mut assumed: Vec<(usize, Version)> = Vec::new();
        for (condition, (stream, expected)) in append.conditions.iter().enumerate() {
            let place = self.place(stream);
            if !matches!(part, Part::In { .. }) {
                continue;
            }
            let Stream { expected: base, steps, .. } = self.streams[place];
            let known = base.map(|base| base.plus(steps));
            let assumption = assumed.iter().find(|(known, _)| *known == place).map(|(_, version)| *version);
            match known.or(assumption) {
                Some(version) if version == *expected => {}
                // A known command wins over its conditions, and whether it is one is not known yet.
                Some(_) if known.is_some() && assumed.is_empty() && append.command.is_none() => {
                    part = Part::Contradicted { condition, actual: Step { stream: place, step: steps } };
                }
                None if steps == 0 => assumed.push((place, *expected)),
                _ => part = Part::Later,
            }
        }
        if matches!(part, Part::In { .. }) {
            for (place, version) in assumed {
                self.streams[place].expected = Some(version);
                self.streams[place].vouched = append.past.is_known();
            }
        }
        part
    }

    fn take_in(&mut self, job: usize, append: &'a Checked) {
        for event in &append.events {
            let stream = self.place(&event.stream);
            self.streams[stream].steps += 1;
            self.events.push(Step { stream, step: self.streams[stream].steps });
        }
        if let Some(command) = &append.command {
            let stream = self.place(&command.stream);
            let at = Step { stream, step: self.streams[stream].steps };
            self.commands.push(Recording { job, at, place: self.events.len() });
        }
    }
}

/// The first event id that an append has more than once.
pub(super) fn given_twice(append: &Checked) -> Option<EventId> {
    let mut seen = HashSet::with_capacity(append.events.len());
    append.events.iter().map(|event| event.event_id).find(|id| !seen.insert(*id))
}
