use quote::ToTokens;
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Path, Type, Variant};

use super::upcasting::{self, Older};
use crate::{
    diagnostics::Errors,
    generated, names,
    options::{Grammar, Known, default_crate},
};

/// An event set.
pub(super) struct EventSet {
    pub(super) ident: Ident,
    pub(super) krate: Path,
    pub(super) stream: LitStr,
    pub(super) id: Type,
    pub(super) events: Vec<Event>,
    /// Generics are a mistake; with them even inert impls would not compile.
    pub(super) generic: bool,
}

/// One variant.
pub(super) struct Event {
    pub(super) variant: Ident,
    pub(super) payload: Type,
    pub(super) name: LitStr,
    pub(super) version: u32,
    pub(super) older: Vec<Older>,
}

const ON_SET: Grammar = Grammar {
    attribute: "event",
    within: None,
    options: &[
        Known { name: "stream", form: "stream = \"order\"" },
        Known { name: "id", form: "id = OrderId" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

const ON_VARIANT: Grammar = Grammar {
    attribute: "event",
    within: None,
    options: &[
        Known { name: "name", form: "name = \"order_placed\"" },
        Known { name: "version", form: "version = 2" },
        Known { name: "from", form: "from(1 = OrderPlacedV1)" },
    ],
};

pub(super) fn read(input: DeriveInput, errors: &mut Errors) -> EventSet {
    let (mut stream, mut id, mut krate) = (None, None, None);
    ON_SET.read(&input.attrs, errors, |key, value| {
        match key.name() {
            "stream" => stream = Some(key.text(value)?),
            "id" => id = Some(key.ty(value)?),
            _ => krate = Some(key.crate_path(value)?),
        }
        Ok(())
    });
    let complete = errors.is_empty();
    if complete && stream.is_none() {
        errors.at(
            &input.ident,
            format_args!(
                "`{}` names no stream; add `#[event(stream = \"order\", …)]` with the category of its streams",
                input.ident
            ),
        );
    }
    if complete && id.is_none() {
        errors.at(
            &input.ident,
            format_args!(
                "`{}` names no id; add `#[event(id = OrderId, …)]` with the type of its streams' ids",
                input.ident
            ),
        );
    }
    if let Some(stream) = &stream {
        names::check("the stream's category", "order", stream, errors);
    }
    let generic = !input.generics.params.is_empty();
    if generic {
        errors.at(
            &input.generics,
            "an event set can't be generic, as its events are recorded by name; use a type for each",
        );
    }
    EventSet {
        krate: krate.unwrap_or_else(default_crate),
        stream: stream.unwrap_or_else(|| LitStr::new("", input.ident.span())),
        id: id.unwrap_or_else(generated::unknown),
        events: events(&input.ident, input.data, errors),
        ident: input.ident,
        generic,
    }
}

fn events(set: &Ident, data: Data, errors: &mut Errors) -> Vec<Event> {
    let Data::Enum(data) = data else {
        errors.at(
            set,
            format_args!(
                "an event set is an enum; write `enum {set} {{ Placed(OrderPlaced), … }}` with a variant for each event"
            ),
        );
        return Vec::new();
    };
    if data.variants.is_empty() {
        errors.at(
            set,
            format_args!("`{set}` has no events; add a variant for each, such as `Placed(OrderPlaced)`"),
        );
    }
    let mut events: Vec<Event> = Vec::with_capacity(data.variants.len());
    for variant in data.variants {
        let Some(event) = event(set, variant, errors) else { continue };
        if let Some(same) = events.iter().find(|other| same_type(&other.payload, &event.payload)) {
            errors.at(
                &event.payload,
                format_args!(
                    "`{}` is already the event of the variant `{}`; give `{}` a type of its own",
                    event.payload.to_token_stream(),
                    same.variant,
                    event.variant
                ),
            );
            continue;
        }
        if let Some(same) = events.iter().find(|other| other.name.value() == event.name.value()) {
            errors.at(
                &event.name,
                format_args!(
                    "the name {:?} is already that of the variant `{}`; give one of them another with `#[event(name = \"…\")]`",
                    event.name.value(),
                    same.variant
                ),
            );
        }
        events.push(event);
    }
    events
}

fn event(set: &Ident, variant: Variant, errors: &mut Errors) -> Option<Event> {
    let (mut name, mut version, mut from) = (None, None, None);
    let mut here = Errors::default();
    ON_VARIANT.read(&variant.attrs, &mut here, |key, value| {
        match key.name() {
            "name" => name = Some(key.text(value)?),
            "version" => version = Some(key.number(value)?),
            _ => from = Some((key.ident().clone(), key.list(value, upcasting::parse)?)),
        }
        Ok(())
    });
    let readable = here.is_empty();
    errors.append(here);
    let payload = payload(set, &variant, errors)?;
    let (version, older) =
        if readable { upcasting::check(&payload, version, from, errors) } else { (1, Vec::new()) };
    if let Some(name) = &name {
        names::check("the event's name", "order_placed", name, errors);
    }
    let name = name.unwrap_or_else(|| {
        let ident = names::of_type(&payload).unwrap_or(&variant.ident);
        LitStr::new(&names::snake_case(&names::plain(ident)), ident.span())
    });
    Some(Event { variant: variant.ident, payload, name, version, older })
}

/// The type of a variant's one field.
fn payload(set: &Ident, variant: &Variant, errors: &mut Errors) -> Option<Type> {
    if let Fields::Unnamed(fields) = &variant.fields
        && let (Some(Field { ty, .. }), 1) = (fields.unnamed.first(), fields.unnamed.len())
    {
        if names::of_type(ty).is_some() {
            return Some(ty.clone());
        }
        errors.at(ty, "an event is a type of its own; declare a struct for it, and name that here");
        return None;
    }
    let set = names::plain(set);
    errors.at(
        variant,
        format_args!(
            "a variant holds just one event; move its data into a struct, and write `{0}({1}{0})`",
            variant.ident,
            set.strip_suffix("Event").unwrap_or(&set)
        ),
    );
    None
}

fn same_type(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}
