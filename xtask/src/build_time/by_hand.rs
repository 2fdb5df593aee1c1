//! The same domain as [`annotated`](super::annotated), with each impl written out.

use std::fmt::Write as _;

pub(super) fn source(events: usize) -> String {
    let mut source = String::from(HEAD);
    let each = |source: &mut String, line: &dyn Fn(usize) -> String| {
        for number in 0..events {
            source.push_str(&line(number));
            source.push('\n');
        }
    };
    each(&mut source, &payload);
    source.push_str("pub enum ThingEvent {\n");
    each(&mut source, &|n| format!("    V{n}(Happened{n}),"));
    source.push_str("}\nimpl Event for ThingEvent {\n    type Id = ThingId;\n    const STREAM: &'static str = \"thing\";\n");
    source.push_str("    const TYPES: &'static [EventType] = &[\n");
    each(&mut source, &|n| format!("        <Happened{n} as Payload>::TYPE,"));
    source.push_str("    ];\n    fn event_type(&self) -> &'static EventType {\n        match self {\n");
    each(&mut source, &|n| format!("            Self::V{n}(_) => &Self::TYPES[{n}],"));
    source.push_str(
        "        }\n    }\n    fn encode(&self) -> Result<Json, EncodeError> {\n        match self {\n",
    );
    each(&mut source, &|n| format!("            Self::V{n}(event) => event.encode(),"));
    source.push_str(
        "        }\n    }\n    \
         fn decode(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {\n        match name {\n",
    );
    each(&mut source, &|n| {
        format!(
            "            \"happened{n}\" => <Happened{n} as Payload>::decode(version, data).map(Self::V{n}),"
        )
    });
    source.push_str(UNKNOWN);
    source.push_str("impl<S: Model");
    each(&mut source, &|n| format!(" + Apply<Happened{n}>"));
    source.push_str("> Fold<S> for ThingEvent {\n    const FINGERPRINT: u64 = 0");
    each(&mut source, &|n| format!(" ^ <S as Apply<Happened{n}>>::FINGERPRINT"));
    source.push_str(
        ";\n    const CATEGORY: &'static str = \"thing\";\n    const WHOLE: bool = true;\n    const BY_STREAM: bool = true;\n    \
         fn types() -> &'static [EventType] { Self::TYPES }\n    fn ignores(name: &str) -> bool {\n        match name {\n",
    );
    each(&mut source, &|n| format!("            \"happened{n}\" => <S as Apply<Happened{n}>>::IGNORED,"));
    source.push_str(
        "            _ => false,\n        }\n    }\n    fn read(name: &str, version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {\n        \
         <Self as Event>::decode(name, version, data)\n    }\n    \
         fn route(&self, stream: &str, keys: &mut Vec<S::Key>) -> Result<(), IdError> {\n        match self {\n",
    );
    each(&mut source, &|n| {
        format!("            Self::V{n}(event) => <S as Apply<Happened{n}>>::route(event, stream, keys),")
    });
    source.push_str(
        "        }\n    }\n    fn fold(&self, state: State<S>, metadata: &Metadata) -> Result<State<S>, FoldError> {\n        match self {\n",
    );
    each(&mut source, &|n| {
        format!("            Self::V{n}(event) => <S as Apply<Happened{n}>>::apply(state, event, metadata),")
    });
    source.push_str("        }\n    }\n}\n");
    for model in ["Thing", "View"] {
        writeln!(source, "impl {model} {{").expect("a string takes all");
        each(&mut source, &|n| {
            format!("    fn on_{n}(&mut self, event: &Happened{n}) {{ self.total += event.amount; }}")
        });
        source.push_str("}\n");
        each(&mut source, &|n| apply(model, n));
    }
    source.push_str(TAIL);
    source
}

const HEAD: &str = r"#![allow(dead_code)]
use cqrs_core::{
    __private,
    domain::{
        Apply, DecodeError, EncodeError, Event, EventType, Events, Feeds, Fold, FoldError, IdError,
        Includes, IndexSpec, IndexValue, IntoEvents, Model, NoServices, Outcome, Payload, SchemaVersion, SingleStream, State,
    },
    envelope::{Json, Metadata},
};
use serde::{Deserialize, Serialize};
#[derive(cqrs_core::Id)]
pub struct ThingId(String);
";

const UNKNOWN: &str = r#"            _ => Err(DecodeError::UnknownName {
                category: "thing",
                name: name.to_owned(),
                known: Self::TYPES.iter().map(|event| event.name).collect(),
            }),
        }
    }
}
impl IntoEvents<ThingEvent> for ThingEvent {
    fn into_events(self, events: &mut Events<ThingEvent>) { events.push(self); }
}
impl Outcome<ThingEvent> for ThingEvent {
    type Error = std::convert::Infallible;
    fn into_outcome(self) -> Result<Events<ThingEvent>, Self::Error> { Ok(vec![self]) }
}
"#;

const TAIL: &str = r#"
#[derive(Default)]
pub struct Thing { total: i64 }
impl Model for Thing {
    type Key = ThingId;
    type Events = ThingEvent;
    const FINGERPRINT: u64 = 1;
    fn initial() -> Option<Self> { Some(Self::default()) }
}
impl cqrs_core::domain::Aggregate for Thing {
    type Event = ThingEvent;
    type Services = NoServices;
    const SNAPSHOT_EVERY: Option<u64> = None;
    fn to_snapshot(&self) -> Option<Json> { None }
    fn from_snapshot(_: &Json) -> Option<Self> { None }
}
#[derive(Default, Serialize, Deserialize)]
pub struct View { total: i64 }
impl Model for View {
    type Key = ThingId;
    type Events = ThingEvent;
    const FINGERPRINT: u64 = 2;
    fn initial() -> Option<Self> { Some(Self::default()) }
}
impl cqrs_core::domain::Projection for View {
    const NAME: &'static str = "view";
    const VERSION: u32 = 1;
    const MAX_LAG: Option<std::time::Duration> = None;
    const INDEXES: &'static [IndexSpec] = &[];
    fn feeds(feeds: &mut Feeds<Self>) { feeds.add::<ThingEvent>(); }
    fn index_values(&self) -> Result<Vec<IndexValue>, __private::serde_json::Error> { Ok(Vec::new()) }
}
impl SingleStream for View { type Event = ThingEvent; }
"#;

fn payload(n: usize) -> String {
    format!(
        r#"#[derive(Serialize, Deserialize)]
pub struct Happened{n} {{ pub amount: i64, pub note: String }}
impl Payload for Happened{n} {{
    type Set = ThingEvent;
    const TYPE: EventType = EventType::new("happened{n}", SchemaVersion::FIRST, "Happened{n}");
    fn encode(&self) -> Result<Json, EncodeError> {{
        Json::of(self).map_err(|error| EncodeError::new("happened{n}", error))
    }}
    fn decode(version: SchemaVersion, data: &Json) -> Result<Self, DecodeError> {{
        if version == SchemaVersion::FIRST {{
            return data.parse().map_err(|source| DecodeError::Data {{
                name: "happened{n}",
                version,
                rust_type: "Happened{n}",
                source,
            }});
        }}
        Err(DecodeError::UnknownVersion {{
            name: "happened{n}",
            version,
            oldest: SchemaVersion::FIRST,
            newest: SchemaVersion::FIRST,
        }})
    }}
}}
impl From<Happened{n}> for ThingEvent {{ fn from(event: Happened{n}) -> Self {{ Self::V{n}(event) }} }}
impl Includes<Happened{n}> for ThingEvent {{}}
impl IntoEvents<ThingEvent> for Happened{n} {{
    fn into_events(self, events: &mut Events<ThingEvent>) {{ events.push(ThingEvent::V{n}(self)); }}
}}
impl Outcome<ThingEvent> for Happened{n} {{
    type Error = std::convert::Infallible;
    fn into_outcome(self) -> Result<Events<ThingEvent>, Self::Error> {{ Ok(vec![ThingEvent::V{n}(self)]) }}
}}"#
    )
}

fn apply(model: &str, n: usize) -> String {
    format!(
        r"impl Apply<Happened{n}> for {model} {{
    const FINGERPRINT: u64 = {n};
    fn route(_: &Happened{n}, stream: &str, keys: &mut Vec<Self::Key>) -> Result<(), IdError> {{
        keys.push(stream.parse()?);
        Ok(())
    }}
    fn apply(state: State<Self>, event: &Happened{n}, _: &Metadata) -> Result<State<Self>, FoldError> {{
        __private::change::<Self, Happened{n}>(state, |this| this.on_{n}(event))
    }}
}}"
    )
}
