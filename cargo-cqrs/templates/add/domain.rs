#% if crates
use cqrs_core::prelude::*;
use {{ events }}::{ {{ camel }}Closed, {{ camel }}Event, {{ camel }}Id, {{ camel }}Opened };

#% endif
/// What is known of one {{ words }} when a command is decided.
#[derive(Aggregate, Clone, Debug, PartialEq)]
#[aggregate(event = {{ camel }}Event)]
{{ public }} struct {{ camel }} {
    closed: bool,
}

/// Begins one.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[command(aggregate = {{ camel }})]
{{ public }} struct Open{{ camel }} {
    /// Which.
    #[command(id)]
    {{ public }} {{ snake }}_id: {{ camel }}Id,
    /// What people will call it.
    {{ public }} title: String,
}

/// Ends it.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[command(aggregate = {{ camel }})]
{{ public }} struct Close{{ camel }} {
    /// Which.
    #[command(id)]
    {{ public }} {{ snake }}_id: {{ camel }}Id,
}

/// It has come to its end before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {{ words }} is closed already")]
{{ public }} struct {{ camel }}AlreadyClosed;

#[handlers]
impl {{ camel }} {
    #[command_handler]
    fn open(command: Open{{ camel }}) -> {{ camel }}Opened {
        {{ camel }}Opened { title: command.title }
    }

    #[command_handler]
    fn close(&self, _: &Close{{ camel }}) -> Result<{{ camel }}Closed, {{ camel }}AlreadyClosed> {
        if self.closed { Err({{ camel }}AlreadyClosed) } else { Ok({{ camel }}Closed {}) }
    }

    #[event_handler]
    fn on_opened(_: &{{ camel }}Opened) -> Self {
        Self { closed: false }
    }

    #[event_handler]
    fn on_closed(&mut self, _: &{{ camel }}Closed) {
        self.closed = true;
    }
}
