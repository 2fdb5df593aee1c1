#% if crates
//! What one {{ words }} decides.

#% endif
use cqrs_testkit::Spec;
#% if crates
use {{ domain }}::{ {{ camel }}, {{ camel }}AlreadyClosed, Close{{ camel }}, Open{{ camel }} };
use {{ events }}::{ {{ camel }}Closed, {{ camel }}Id, {{ camel }}Opened };
#% else

use super::*;
#% endif

fn opened() -> {{ camel }}Opened {
    {{ camel }}Opened { title: "first".to_owned() }
}

fn close() -> Close{{ camel }} {
    Close{{ camel }} { {{ snake }}_id: {{ camel }}Id::generate() }
}

#[test]
fn it_is_opened_with_its_title() {
    let command = Open{{ camel }} { {{ snake }}_id: {{ camel }}Id::generate(), title: "first".to_owned() };
    Spec::<{{ camel }}>::new().when(command).then(opened());
}

#[test]
fn it_is_closed_once() {
    Spec::<{{ camel }}>::given(opened())
        .when(close())
        .then({{ camel }}Closed {})
        .when(close())
        .then_rejected({{ camel }}AlreadyClosed);
}

#[test]
fn what_was_never_opened_is_not_closed() {
    Spec::<{{ camel }}>::new().when(close()).then_not_found();
}
