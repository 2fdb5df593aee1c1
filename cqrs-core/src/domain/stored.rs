use serde::{Serialize, de::DeserializeOwned};

/// What outlives the program: events in the log, documents, commands. Every type that serialises is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is stored, but can't be serialised",
    label = "lacks `Serialize`, `Deserialize` or both",
    note = "add `#[derive(Serialize, Deserialize)]` to `{Self}`"
)]
pub trait Stored: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Stored for T {}
