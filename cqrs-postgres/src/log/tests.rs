//! Plans and verdicts, against a log that is a list.

use std::{collections::HashMap, time::Instant};

use cqrs_core::{
    domain::SchemaVersion,
    envelope::{CommandId, EventId, Json, Metadata, Position, StreamId, Version},
    store::{Append, AppendError, AppendOutcome, CommandRecord, Condition, NewEvent, Past},
};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::sync::oneshot::{self, Receiver};
use uuid::Uuid;

use super::{
    EventStoreOptions, answer,
    append::{Entry, Reply},
    job::{Checked, Job},
    judge::{Facts, Verdict, judge},
    plan::{Part, Plan, Stream, given_twice},
};

/// An append in numbers: streams, event ids and commands are few, so that they meet.
#[derive(Clone, Debug)]
struct Given {
    conditions: Vec<(u8, u8)>,
    /// Streams and ids.
    events: Vec<(u8, u8)>,
    command: Option<u8>,
    /// The streams were brought to their versions by earlier appends, where they are that far.
    vouched: bool,
    unknown: bool,
    outdated: bool,
}

fn given() -> impl Strategy<Value = Given> {
    let conditions = proptest::collection::vec((0_u8..4, 0_u8..5), 0..3);
    let events = proptest::collection::vec((0_u8..4, 0_u8..40), 0..4);
    let command = proptest::option::weighted(0.4, 0_u8..6);
    let flags = (any::<bool>(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.1));
    (conditions, events, command, flags).prop_map(
        |(conditions, events, command, (vouched, unknown, outdated))| Given {
            conditions,
            events,
            command,
            vouched,
            unknown,
            outdated,
        },
    )
}

fn stream(number: u8) -> StreamId {
    StreamId::new("order", number.to_string()).expect("a name")
}

fn event_id(number: u8) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number.into()))
}

fn command_id(number: u8) -> CommandId {
    CommandId::from_uuid(Uuid::from_u128(number.into()))
}

impl Given {
    fn job(&self, list: &List) -> (Job, Receiver<Result<AppendOutcome, AppendError>>) {
        let condition = |(of, version): &(u8, u8)| Condition::Version {
            stream: stream(*of),
            expected: Version::new((*version).into()),
        };
        let event = |(to, id): &(u8, u8)| NewEvent {
            event_id: event_id(*id),
            stream: stream(*to),
            name: "noted".into(),
            schema_version: SchemaVersion::FIRST,
            data: Json::of(&1).expect("a number"),
        };
        let record = |id| CommandRecord {
            id: command_id(id),
            fingerprint: Uuid::nil(),
            stream: stream(0),
            answer: None,
        };
        let reached = self
            .conditions
            .iter()
            .all(|(of, version)| u64::from(*version) <= list.version(&stream(*of)).get());
        let append = Append {
            conditions: self.conditions.iter().map(condition).collect(),
            past: if self.vouched && reached { Past::begin() } else { Past::UNKNOWN },
            events: self.events.iter().map(event).collect(),
            metadata: Metadata::of_command(CommandId::generate(), Timestamp::UNIX_EPOCH),
            command: self.command.map(record),
        };
        let append = Checked::new(append, &EventStoreOptions::default().limits).expect("within limits");
        let (answer, outcome) = oneshot::channel();
        (
            Job { append, answer, deadline: Instant::now(), unknown: self.unknown, outdated: self.outdated },
            outcome,
        )
    }
}

/// What the server does, by the book.
#[derive(Default)]
struct List {
    events: Vec<(StreamId, EventId)>,
    commands: HashMap<CommandId, Version>,
}

impl List {
    fn version(&self, stream: &StreamId) -> Version {
        Version::new(self.events.iter().filter(|(of, _)| of == stream).count() as u64)
    }

    fn has(&self, id: EventId) -> bool {
        self.events.iter().any(|(_, known)| *known == id)
    }

    /// As the SQL function; `None` where a unique index would refuse.
    fn call(&mut self, plan: &Plan<'_>, jobs: &[Job], careful: bool) -> Option<Reply> {
        let facts = Facts {
            versions: plan.streams.iter().map(|stream| self.version(stream.id)).collect(),
            commands: jobs
                .iter()
                .filter_map(|job| Some(job.append.command.as_ref()?.id))
                .filter(|id| self.commands.contains_key(id))
                .collect(),
            events: jobs
                .iter()
                .filter(|_| careful)
                .flat_map(|job| job.append.events.iter().map(|event| event.event_id))
                .filter(|id| self.has(*id))
                .collect(),
        };
        let holds = plan.streams.iter().zip(&facts.versions).all(|(stream, version)| {
            // Of a stream that is vouched for nobody looks at the version, where a careful look would.
            (stream.vouched && !careful && !plan.needs_versions())
                || stream.expected.is_none_or(|expected| expected == *version)
        });
        let idle = plan.events.is_empty() && plan.commands.is_empty();
        if !holds
            || !facts.commands.is_empty()
            || !facts.events.is_empty()
            || (idle && plan.parts.iter().any(|part| !matches!(part, Part::In { .. })))
        {
            return Some(Reply::Doubt(facts));
        }
        let included = jobs.iter().zip(&plan.parts).filter(|(_, part)| matches!(part, Part::In { .. }));
        let new: Vec<_> = included
            .flat_map(|(job, _)| job.append.events.iter().map(|event| (event.stream.clone(), event.event_id)))
            .collect();
        let twice =
            new.iter().enumerate().any(|(at, (_, id))| new[..at].iter().any(|(_, known)| known == id));
        let taken = |stream: &Stream<'_>| {
            stream.steps > 0 && stream.expected.is_some_and(|expected| expected < self.version(stream.id))
        };
        if twice || new.iter().any(|(_, id)| self.has(*id)) || plan.streams.iter().any(taken) {
            return None;
        }
        let head = Position::new(self.events.len() as u64);
        self.events.extend(new);
        for command in &plan.commands {
            let record = jobs[command.job].append.command.as_ref().expect("a command");
            let version = facts.versions[command.at.stream].plus(command.at.step);
            assert!(self.commands.insert(record.id, version).is_none(), "a command is recorded twice");
        }
        Some(Reply::Appended(Entry { head, time: Timestamp::UNIX_EPOCH, versions: facts.versions }))
    }
}

/// What was said about an append, and what the log was like then.
#[derive(Debug)]
enum Said {
    Appended(cqrs_core::store::Appended),
    Refused(AppendError),
    Repeated,
    Recorded,
}

/// The rounds that a batch goes through.
fn rounds(list: &mut List, jobs: Vec<(usize, Job)>) -> HashMap<usize, Said> {
    let count = jobs.len();
    let mut said = HashMap::new();
    let mut batches = vec![(jobs, false)];
    for _ in 0..=4 * count {
        let Some((jobs, careful)) = batches.pop() else { return said };
        if jobs.is_empty() {
            continue;
        }
        let (numbers, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let plan = Plan::new(&jobs, careful);
        let verdicts: Vec<Option<Said>> = match list.call(&plan, &jobs, careful) {
            Some(Reply::Appended(entry)) => answer::outcomes(&plan, &jobs, &entry, Past::UNKNOWN)
                .into_iter()
                .map(|outcome| match outcome? {
                    Ok(AppendOutcome::Appended(appended)) => Some(Said::Appended(appended)),
                    Ok(AppendOutcome::Repeated(_)) => unreachable!("a batch that went in repeats nothing"),
                    Err(error) => Some(Said::Refused(error)),
                })
                .collect(),
            Some(Reply::Doubt(facts)) => {
                let said = |verdict| match verdict {
                    Verdict::Refused(error) => Said::Refused(error),
                    Verdict::Repeated => Said::Repeated,
                    Verdict::Recorded => Said::Recorded,
                };
                judge(&jobs, &plan.places, &facts).into_iter().map(|verdict| verdict.map(said)).collect()
            }
            Some(Reply::OtherPast | Reply::Overtaken) => unreachable!("nobody else appends to the list"),
            None if !careful => {
                batches.push((numbers.into_iter().zip(jobs).collect(), true));
                continue;
            }
            None => {
                assert!(jobs.len() > 1, "an append alone met a unique index");
                batches.extend(numbers.into_iter().zip(jobs).rev().map(|job| (vec![job], true)));
                continue;
            }
        };
        let went_in = matches!(verdicts.iter().flatten().next(), Some(Said::Appended(_)));
        drop(plan);
        let decided = verdicts.iter().any(Option::is_some);
        let mut rest = Vec::new();
        for ((number, job), verdict) in numbers.into_iter().zip(jobs).zip(verdicts) {
            match verdict {
                Some(verdict) => drop(said.insert(number, verdict)),
                None => rest.push((number, job)),
            }
        }
        if decided || !careful {
            batches.push((rest, careful || !went_in));
        } else {
            assert!(rest.len() > 1, "nothing can be said about an append alone");
            batches.extend(rest.into_iter().rev().map(|job| (vec![job], true)));
        }
    }
    panic!("a batch of {count} goes on for ever");
}

fn check(list: &mut List, given: &[Given]) {
    let before = list.events.len();
    let jobs: Vec<_> = given.iter().map(|given| given.job(list).0).enumerate().collect();
    let known_at_first = |id: EventId| list.events[..before].iter().any(|(_, known)| *known == id);
    let fresh: Vec<bool> =
        given.iter().map(|given| !given.events.iter().any(|(_, id)| known_at_first(event_id(*id)))).collect();
    let said = rounds(list, jobs);
    assert_eq!(said.len(), given.len(), "an append without an answer");
    let version_at = |position: usize, of: u8| {
        list.events[..position].iter().filter(|(known, _)| *known == stream(of)).count() as u64
    };
    for (number, given) in given.iter().enumerate() {
        let job = given.job(list).0;
        match &said[&number] {
            Said::Appended(appended) => {
                assert!(fresh[number], "a known event was appended again: {given:?}");
                assert!(!given.outdated, "appended on another past: {given:?}");
                let first =
                    appended.events.first().map_or(appended.position.get(), |first| first.position.get() - 1);
                let first = usize::try_from(first).expect("a short list");
                for (of, expected) in &given.conditions {
                    assert_eq!(version_at(first, *of), u64::from(*expected), "a condition of {given:?}");
                }
                assert_eq!(appended.events.len(), given.events.len());
                for (nth, (written, (to, id))) in appended.events.iter().zip(&given.events).enumerate() {
                    assert_eq!(written.position.get(), (first + nth + 1) as u64);
                    assert_eq!(list.events[first + nth], (stream(*to), event_id(*id)));
                    assert_eq!(written.version.get(), version_at(first + nth + 1, *to));
                }
            }
            Said::Refused(AppendError::Conflict { stream: of, expected, actual }) => {
                assert_ne!(expected, actual);
                assert!(job.append.conditions.contains(&(of.clone(), *expected)), "a condition that is none");
                let versions = (before..=list.events.len())
                    .map(|at| list.events[..at].iter().filter(|(known, _)| known == of).count() as u64);
                assert!(
                    versions.into_iter().any(|version| version == actual.get()),
                    "it never was at {actual}"
                );
            }
            Said::Refused(AppendError::DuplicateEventId { event_id }) => {
                assert!(list.has(*event_id) || given_twice(&job.append) == Some(*event_id));
            }
            Said::Refused(AppendError::OtherPast) => assert!(given.outdated),
            Said::Refused(error) => panic!("{error:?}"),
            Said::Repeated => {
                assert!(list.commands.contains_key(&command_id(given.command.expect("a command"))));
            }
            Said::Recorded => {
                assert!(given.unknown && given.events.iter().all(|(_, id)| list.has(event_id(*id))));
            }
        }
    }
    // Who meets nobody else, and fits, goes in.
    for (number, one) in given.iter().enumerate() {
        let of = |given: &Given| -> Vec<u8> {
            given.conditions.iter().chain(&given.events).map(|(stream, _)| *stream).collect()
        };
        let meets = given.iter().enumerate().any(|(other, two)| {
            other != number
                && (of(one).iter().any(|stream| of(two).contains(stream))
                    || one.events.iter().any(|(_, id)| two.events.iter().any(|(_, other)| other == id))
                    || (one.command.is_some() && one.command == two.command))
        });
        let fits =
            one.conditions.iter().all(|(of, expected)| version_at(before, *of) == u64::from(*expected))
                && fresh[number]
                && given_twice(&one.job(list).0.append).is_none()
                && !one.outdated;
        if !meets && fits && !matches!(said[&number], Said::Repeated) {
            assert!(
                matches!(said[&number], Said::Appended(_)),
                "{one:?} is alone and fits, but: {:?}",
                said[&number]
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn each_append_of_a_batch_is_told_the_truth(
        batches in proptest::collection::vec(proptest::collection::vec(given(), 1..12), 1..4)
    ) {
        let mut list = List::default();
        for batch in batches {
            check(&mut list, &batch);
        }
    }
}
