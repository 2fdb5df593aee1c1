use std::fmt;

use cqrs_core::domain::{Aggregate, Command, Events, Handle, HandleError, IntoEvents};

use super::{
    Spec,
    diff::{diff, short_name},
    recording::{collect, reread},
};

type EventOf<C> = <<C as Command>::Aggregate as Aggregate>::Event;
type ErrorOf<C> = <<C as Command>::Aggregate as Handle<C>>::Error;

/// What a command led to in a [`Spec`].
#[must_use = "a test says what comes `then`"]
pub struct Decision<'s, C: Command> {
    pub(super) after: Spec<'s, C::Aggregate>,
    pub(super) outcome: Result<Events<EventOf<C>>, HandleError<ErrorOf<C>>>,
}

/// What a handler's answer is called in a failure.
fn answer<E: std::error::Error, T: fmt::Debug>(outcome: &Result<T, HandleError<E>>) -> String {
    match outcome {
        Ok(events) => format!("it led to {events:#?}"),
        Err(no) => refusal(no),
    }
}

fn refusal<E: std::error::Error>(no: &HandleError<E>) -> String {
    match no {
        HandleError::AlreadyExists => "the aggregate exists already".to_owned(),
        HandleError::NotFound => "the aggregate does not exist".to_owned(),
        HandleError::Rejected(error) => format!("it was rejected: {error} ({error:?})"),
    }
}

impl<'s, C: Command> Decision<'s, C>
where
    EventOf<C>: fmt::Debug,
{
    /// It led to just these events, and the aggregate takes them. The test may go on from there.
    ///
    /// # Panics
    ///
    /// Where it led to other events, or to a refusal; where an event comes back from the log as another one; and
    /// where the aggregate's event handlers don't take them.
    #[track_caller]
    pub fn then(mut self, events: impl IntoEvents<EventOf<C>>) -> Spec<'s, C::Aggregate>
    where
        EventOf<C>: PartialEq,
    {
        let expected = collect(events);
        let actual = match self.outcome {
            Ok(events) => events,
            Err(no) => panic!("the command `{}` was to lead to {expected:#?}\nbut {}", C::NAME, refusal(&no)),
        };
        assert!(
            actual == expected,
            "the command `{}` led to other events {}",
            C::NAME,
            diff(&expected, &actual)
        );
        for event in &actual {
            let reread = reread(event);
            assert!(
                reread == *event,
                "an event of the command `{}` comes back from the log as another one {}",
                C::NAME,
                diff(event, &reread)
            );
            self.after.fold(event);
        }
        self.after
    }

    /// It led to no events.
    ///
    /// # Panics
    ///
    /// Where it led to events, or to a refusal.
    #[track_caller]
    pub fn then_nothing(self) -> Spec<'s, C::Aggregate>
    where
        EventOf<C>: PartialEq,
    {
        self.then(())
    }

    /// The domain rejected it, for this reason.
    ///
    /// # Panics
    ///
    /// Where it was rejected for another reason, or not rejected.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "expectations are written where they are compared")]
    pub fn then_rejected(self, error: ErrorOf<C>)
    where
        ErrorOf<C>: PartialEq,
    {
        match self.outcome {
            Err(HandleError::Rejected(actual)) if actual == error => {}
            Err(HandleError::Rejected(actual)) => {
                panic!("the command `{}` was rejected for another reason {}", C::NAME, diff(&error, &actual))
            }
            other => panic!(
                "the command `{}` was to be rejected: {error} ({error:?})\nbut {}",
                C::NAME,
                answer(&other)
            ),
        }
    }

    /// The domain rejected it, for a reason that fits: for reasons that can't be compared.
    ///
    /// # Panics
    ///
    /// Where it was rejected for a reason that does not fit, or not rejected.
    #[track_caller]
    pub fn then_rejected_as(self, fits: impl FnOnce(&ErrorOf<C>) -> bool) {
        match self.outcome {
            Err(HandleError::Rejected(error)) => {
                assert!(
                    fits(&error),
                    "the command `{}` was rejected for another reason: {error} ({error:?})",
                    C::NAME
                );
            }
            other => panic!("the command `{}` was to be rejected\nbut {}", C::NAME, answer(&other)),
        }
    }

    /// It was to create what exists already.
    ///
    /// # Panics
    ///
    /// Where it led to something else.
    #[track_caller]
    pub fn then_already_exists(self) {
        assert!(
            matches!(self.outcome, Err(HandleError::AlreadyExists)),
            "the command `{}` was to find that the aggregate exists already\nbut {}",
            C::NAME,
            answer(&self.outcome)
        );
    }

    /// It was for an aggregate that does not exist.
    ///
    /// # Panics
    ///
    /// Where it led to something else.
    #[track_caller]
    pub fn then_not_found(self) {
        assert!(
            matches!(self.outcome, Err(HandleError::NotFound)),
            "the command `{}` was to find no aggregate\nbut {}",
            C::NAME,
            answer(&self.outcome)
        );
    }
}

impl<C: Command> fmt::Debug for Decision<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("aggregate", &short_name::<C::Aggregate>())
            .field("command", &C::NAME)
            .finish_non_exhaustive()
    }
}
