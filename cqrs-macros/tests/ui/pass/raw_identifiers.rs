//! Keywords as names.

use cqrs_core::prelude::*;

#[derive(Id)]
pub struct r#Type(Uuid);

#[derive(Serialize, Deserialize)]
pub struct r#Match {
    r#type: r#Type,
}

#[derive(Event)]
#[event(stream = "match", id = r#Type)]
#[allow(non_camel_case_types)]
pub enum r#Event {
    r#match(r#Match),
}

#[derive(Aggregate)]
#[aggregate(event = r#Event)]
#[allow(non_camel_case_types)]
pub struct r#struct;

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = r#struct)]
pub struct r#Do {
    #[command(id)]
    r#type: r#Type,
    r#in: u8,
}

#[handlers]
impl r#struct {
    #[command_handler]
    fn r#do(r#in: r#Do) -> r#Match {
        r#Match { r#type: r#in.r#type }
    }

    #[event_handler]
    fn r#match(r#match: &r#Match) -> Self {
        let _ = r#match;
        Self
    }
}

#[derive(Projection, Serialize, Deserialize)]
#[projection(events(r#Event), key = r#Type)]
pub struct r#Loop {
    #[projection(index)]
    r#type: r#Type,
}

#[handlers]
impl r#Loop {
    #[event_handler(key = r#match.r#type)]
    fn r#match(r#match: &r#Match) -> Self {
        Self { r#type: r#match.r#type }
    }
}

fn main() {
    assert_eq!(r#Loop::r#type().name, "type");
    assert_eq!(<r#Loop as cqrs_core::Projection>::NAME, "loop");
    assert_eq!(<r#Match as cqrs_core::domain::Payload>::TYPE.name, "match");
}
