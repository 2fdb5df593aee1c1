use super::Id;

/// A state that is folded from events, one for each key: an [`Aggregate`](super::Aggregate) or a
/// [`Projection`](super::Projection). Their derive macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an aggregate nor a projection",
    label = "`#[handlers]` needs a type with `#[derive(Aggregate)]` or `#[derive(Projection)]`",
    note = "add `#[derive(Aggregate)]` with `#[aggregate(event = …)]`, or `#[derive(Projection)]` with `#[projection(name = \"…\", events(…))]`, to `{Self}`"
)]
pub trait Model: Sized + Send + Sync + 'static {
    /// What tells one state from another: the id of the stream, or of the document.
    type Key: Id;

    /// The event sets and single events that it is folded from: one type, or a tuple of them.
    type Events;

    /// Hash of the type's own definition; a snapshot of another shape is ignored.
    const FINGERPRINT: u64;

    /// The state before the first event: `Some` where the type is declared `default`, else `None`.
    fn initial() -> Option<Self>;
}

/// Marks the models that come into being through handlers without `self`, as against `default` ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is declared `default`, so it exists from the start and no handler creates it",
    label = "this handler takes no `self`",
    note = "take `&mut self` (an event) or `&self` (a command), or remove `default` from the attribute of `{Self}`"
)]
pub trait CreatedByHandlers: Model {}

/// Where a model's state stands while events are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<S> {
    /// No event has reached it yet.
    Absent,
    /// It exists.
    Present(S),
    /// An event has removed it; a creating event brings it back.
    Removed,
}

impl<S> State<S> {
    /// The state, where it exists.
    pub fn present(self) -> Option<S> {
        match self {
            Self::Present(state) => Some(state),
            Self::Absent | Self::Removed => None,
        }
    }

    /// Borrows the state.
    pub const fn as_ref(&self) -> State<&S> {
        match self {
            Self::Absent => State::Absent,
            Self::Present(state) => State::Present(state),
            Self::Removed => State::Removed,
        }
    }
}
