use serde::{Serialize, de::DeserializeOwned};

use super::{Handle, Model};

/// A wish that an aggregate decides: it leads to events, or is rejected. `#[derive(Command)]` implements it.
///
/// A command serialises, because retries, HTTP and process managers carry it, and because the store compares it
/// when a command id comes again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "not a command",
    note = "add `#[derive(Command, Serialize, Deserialize)]` and `#[command(aggregate = …)]` to `{Self}`"
)]
pub trait Command: Serialize + DeserializeOwned + Send + Sync + Sized + 'static {
    /// The aggregate that decides it.
    type Aggregate: Handle<Self>;

    /// The stable name, such as `place_order`.
    const NAME: &'static str;

    /// The instance that decides it: the field marked `#[command(id)]`.
    fn aggregate_id(&self) -> &<Self::Aggregate as Model>::Key;

    /// A copy for a handler that takes the command by value; a conflict decides again. Field by field, so that a
    /// command need not be `Clone`.
    #[doc(hidden)]
    #[must_use]
    fn __copy(&self) -> Self;
}
