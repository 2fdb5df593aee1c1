use cqrs_core::prelude::*;
#% for use in uses
use {{ use }};
#% endfor

/// How much has happened: one document for each stream.
#[derive(Projection, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[projection(name = "{{ snake }}", events({{ set }}), default, max_lag = "2s")]
{{ public }} struct {{ camel }} {
    /// How many events there were.
    {{ public }} events: u64,
}

#[handlers]
impl {{ camel }} {
#% for handler in handlers
    #[event_handler]
    #% if handler[2]
    #[allow(clippy::borrowed_box, reason = "the event is in one")]
    fn on_{{ handler[0] }}(&mut self, _: &Box<{{ handler[1] }}>) {
    #% else
    fn on_{{ handler[0] }}(&mut self, _: &{{ handler[1] }}) {
    #% endif
        self.events += 1;
    }

#% endfor
}
