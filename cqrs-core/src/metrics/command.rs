use std::{marker::PhantomData, time::Duration};

use ::metrics::Label;

use super::table;
use crate::domain::{Aggregate, Command, Event};

/// How a command came out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CommandOutcome {
    Executed,
    Repeated,
    Rejected,
    Conflict,
    Failed,
}

/// How an append came out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AppendEnd {
    Appended,
    Repeated,
    Conflict,
    Failed,
}

/// Commands of one type. All labels are known to the compiler, so that nothing is allocated.
pub(crate) struct Commands<C>(PhantomData<C>);

impl<C: Command> Commands<C> {
    const CATEGORY: Label =
        Label::from_static_parts("category", <<C::Aggregate as Aggregate>::Event as Event>::STREAM);
    const LABELS: &'static [Label] = &[Self::CATEGORY, Label::from_static_parts("command", C::NAME)];
    const EXECUTED: &'static [Label] = &Self::labels("executed");
    const REPEATED: &'static [Label] = &Self::labels("repeated");
    const REJECTED: &'static [Label] = &Self::labels("rejected");
    const CONFLICT: &'static [Label] = &Self::labels("conflict");
    const FAILED: &'static [Label] = &Self::labels("failed");

    const fn labels(outcome: &'static str) -> [Label; 3] {
        let command = Label::from_static_parts("command", C::NAME);
        [Self::CATEGORY, command, Label::from_static_parts("outcome", outcome)]
    }

    pub(crate) fn ended(outcome: CommandOutcome, took: Duration) {
        let labels = match outcome {
            CommandOutcome::Executed => Self::EXECUTED,
            CommandOutcome::Repeated => Self::REPEATED,
            CommandOutcome::Rejected => Self::REJECTED,
            CommandOutcome::Conflict => Self::CONFLICT,
            CommandOutcome::Failed => Self::FAILED,
        };
        table::COMMAND_SECONDS.series_of(labels).record(took.as_secs_f64());
    }

    pub(crate) fn conflict() {
        table::COMMAND_CONFLICTS.series_of(Self::LABELS).add(1);
    }
}

/// Appends to streams of one event set.
pub(crate) struct Appends<E>(PhantomData<E>);

impl<E: Event> Appends<E> {
    const CATEGORY: &'static [Label] = &[Label::from_static_parts("category", E::STREAM)];
    const APPENDED: &'static [Label] = &Self::labels("appended");
    const REPEATED: &'static [Label] = &Self::labels("repeated");
    const CONFLICT: &'static [Label] = &Self::labels("conflict");
    const FAILED: &'static [Label] = &Self::labels("failed");

    const fn labels(outcome: &'static str) -> [Label; 2] {
        [Label::from_static_parts("category", E::STREAM), Label::from_static_parts("outcome", outcome)]
    }

    pub(crate) fn ended(outcome: AppendEnd, events: u64, took: Duration) {
        let labels = match outcome {
            AppendEnd::Appended => Self::APPENDED,
            AppendEnd::Repeated => Self::REPEATED,
            AppendEnd::Conflict => Self::CONFLICT,
            AppendEnd::Failed => Self::FAILED,
        };
        table::APPEND_SECONDS.series_of(labels).record(took.as_secs_f64());
        if events > 0 {
            table::APPEND_EVENTS.series_of(Self::CATEGORY).add(events);
        }
    }
}
