use cqrs_core::prelude::*;

/// Names one {{ words }}.
#[derive(Id)]
{{ public }} struct {{ camel }}Id(Uuid);

/// All that happens to one {{ words }}.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "{{ snake }}", id = {{ camel }}Id)]
{{ public }} enum {{ camel }}Event {
    /// It began.
    Opened({{ camel }}Opened),
    /// It came to its end.
    Closed({{ camel }}Closed),
}

/// One {{ words }} began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
{{ public }} struct {{ camel }}Opened {
    /// What people call it.
    {{ public }} title: String,
}

/// One {{ words }} came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
{{ public }} struct {{ camel }}Closed {}
