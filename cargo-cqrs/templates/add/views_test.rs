#% if crates
//! What `{{ camel }}` makes of the events.

#% endif
use cqrs_testkit::ViewSpec;
#% if crates
#% for use in uses_of_test
use {{ use }};
#% endfor
use {{ views }}::{{ camel }};
#% else

use super::*;
#% for use in more
use {{ use }};
#% endfor
#% endif

#[test]
fn each_event_is_counted() {
    let id{{ id_type }} = {{ id_value }};
    ViewSpec::<{{ camel }}>::given::<{{ set }}>(&id, ())
#% for value in values
        .and_given::<{{ set }}>(&id, {{ value }})
#% endfor
#% if values
        .then(&id, {{ camel }} { events: {{ values | length }} });
#% else
        // None of the events could be written here: give some of your own.
        .then_none(&id);
#% endif
}
