use cqrs_core::prelude::*;
use {{ from }}::{ {{ set }}, {{ events }} };

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
    fn on_{{ handler[0] }}(&mut self, _: &{{ handler[1] }}) {
        self.events += 1;
    }

#% endfor
}
