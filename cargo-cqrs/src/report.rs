use serde_json::Value;

/// What a command has to say when it is done.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people: short, with what to do next.
    pub(crate) text: String,
    /// For programs; `None` where the text itself is for programs.
    pub(crate) json: Option<Value>,
}
