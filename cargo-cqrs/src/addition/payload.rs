//! Reads what events a project has, and writes values of them for a test.

use std::collections::BTreeSet;

use syn::{
    Attribute, Field, Fields, GenericArgument, Item, ItemEnum, ItemStruct, Meta, Path, PathArguments, Token,
    Type, Visibility, punctuated::Punctuated,
};

use super::modules::{self, From, Modules};

/// The types of a crate, with the modules that they are in.
#[derive(Debug)]
pub(super) struct Types {
    modules: Modules,
    structs: Vec<(modules::Path, ItemStruct)>,
    enums: Vec<(modules::Path, ItemEnum)>,
}

/// The events of one kind of stream.
#[derive(Clone, Debug)]
pub(super) struct EventSet {
    pub(super) name: String,
    /// The type of the stream's id.
    pub(super) id: String,
    pub(super) events: Vec<Payload>,
}

/// One event of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) variant: String,
    /// Its type.
    pub(super) name: String,
    /// The set has it in a `Box`.
    pub(super) boxed: bool,
}

impl Types {
    pub(super) fn new(from: From) -> Self {
        Self { modules: Modules::new(from), structs: Vec::new(), enums: Vec::new() }
    }

    /// Takes the types of one more file, by the module that it is; one that is no Rust has none.
    pub(super) fn read(&mut self, module: &modules::Path, text: &str) {
        let Ok(file) = syn::parse_file(text) else { return };
        let Self { modules, structs, enums } = self;
        modules.read(module, file.items, |module, item| match item {
            Item::Struct(it) => structs.push((module.clone(), it)),
            Item::Enum(it) => enums.push((module.clone(), it)),
            _ => {}
        });
    }

    /// The names of all enums that derive `Event`.
    pub(super) fn event_sets(&self) -> Vec<String> {
        let sets = self.enums.iter().filter(|(_, item)| derives(&item.attrs, "Event"));
        let names: BTreeSet<_> = sets.map(|(_, item)| item.ident.to_string()).collect();
        names.into_iter().collect()
    }

    /// One of them. The error says why it is none that a projection can be made of here.
    pub(super) fn event_set(&self, name: &str) -> Result<EventSet, String> {
        let is_meant = |item: &ItemEnum| item.ident == name && derives(&item.attrs, "Event");
        let (_, item) = self
            .enums
            .iter()
            .find(|(_, item)| is_meant(item))
            .ok_or_else(|| format!("it has no `{name}`"))?;
        let events = item.variants.iter().map(|variant| {
            let Fields::Unnamed(fields) = &variant.fields else { return None };
            let (boxed, name) = payload(&fields.unnamed.first()?.ty)?;
            Some(Payload { variant: variant.ident.to_string(), name, boxed })
        });
        let events: Option<Vec<_>> = events.collect();
        let events = events.ok_or_else(|| format!("it is not told what the events of `{name}` are"))?;
        let id = id_of(&item.attrs).ok_or_else(|| format!("it is not told what the id of `{name}` is"))?;
        for name in [name, &id].into_iter().chain(events.iter().map(|event| event.name.as_str())) {
            if self.path(name).is_none() {
                return Err(format!("`{name}` can't be named from elsewhere, or is not found"));
            }
            if self.is_ambiguous(name) {
                return Err(format!("several modules have a `{name}`, and it is not told which is meant"));
            }
        }
        if self.value(&id, &mut BTreeSet::new()).is_none() {
            return Err(format!("it is not told how a value of the id `{id}` is made"));
        }
        Ok(EventSet { name: name.to_owned(), id, events })
    }

    /// Whether the crate offers it where it begins, though it may not be known what it is.
    pub(super) fn offers(&self, name: &str) -> bool {
        self.modules.root_offers(name)
    }

    /// Whether several types are called so that can be named.
    fn is_ambiguous(&self, name: &str) -> bool {
        self.modules_of(name).filter(|module| self.modules.reach(module, name).is_some()).nth(1).is_some()
    }

    fn modules_of<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t modules::Path> {
        let structs =
            self.structs.iter().filter(move |(_, item)| item.ident == name).map(|(module, _)| module);
        let enums = self.enums.iter().filter(move |(_, item)| item.ident == name).map(|(module, _)| module);
        structs.chain(enums)
    }

    /// The module that a type is named by, without the crate.
    pub(super) fn path(&self, name: &str) -> Option<String> {
        let path = self.modules_of(name).find_map(|module| self.modules.reach(module, name));
        match path {
            Some(path) => Some(path.join("::")),
            None => self.offers(name).then(String::new),
        }
    }

    /// A value of an event, as Rust writes it, as [`Types::value`].
    pub(super) fn event(&self, event: &Payload, imports: &mut BTreeSet<String>) -> Option<String> {
        let value = self.value(&event.name, imports)?;
        Some(if event.boxed { format!("Box::new({value})") } else { value })
    }

    /// A value of a type, as Rust writes it. The types that it names are added to the imports. `None` where this does not know any.
    pub(super) fn value(&self, name: &str, imports: &mut BTreeSet<String>) -> Option<String> {
        let mut used = BTreeSet::new();
        let value = self.named(name, &mut used, 0)?;
        imports.extend(used);
        Some(value)
    }

    fn named(&self, name: &str, imports: &mut BTreeSet<String>, depth: usize) -> Option<String> {
        // A type may be within itself.
        if depth > 16 || self.path(name).is_none() || self.is_ambiguous(name) {
            return None;
        }
        let reached = |module: &modules::Path| self.modules.reach(module, name).is_some();
        let item = self.structs.iter().find(|(module, item)| item.ident == name && reached(module));
        let value = if let Some((module, item)) = item {
            if derives(&item.attrs, "Id") {
                match item.fields.iter().next().and_then(|field| ident(&field.ty)).as_deref() {
                    Some("Uuid") => format!("{name}::generate()"),
                    Some(_) => return Some("\"1\".parse().expect(\"it is an id\")".to_owned()),
                    None => return None,
                }
            } else if derives(&item.attrs, "Default") {
                format!("{name}::default()")
            } else if !self.may_be_written(module, item) {
                return None;
            } else {
                match &item.fields {
                    Fields::Named(fields) => {
                        let values = fields.named.iter().map(|field| {
                            let value = self.of_type(&field.ty, imports, depth)?;
                            Some(format!("{}: {value}", field.ident.as_ref()?))
                        });
                        let values: Option<Vec<_>> = values.collect();
                        format!("{name} {{ {} }}", values?.join(", "))
                    }
                    Fields::Unit => name.to_owned(),
                    Fields::Unnamed(_) => return None,
                }
            }
        } else {
            let (_, item) = self.enums.iter().find(|(module, item)| item.ident == name && reached(module))?;
            let unit = item.variants.iter().find(|variant| matches!(variant.fields, Fields::Unit))?;
            format!("{name}::{}", unit.ident)
        };
        imports.insert(name.to_owned());
        Some(value)
    }

    /// Whether a test may name all fields of a struct.
    fn may_be_written(&self, module: &modules::Path, item: &ItemStruct) -> bool {
        let outside = self.modules.from == From::Outside;
        let open = |field: &Field| match field.vis {
            Visibility::Public(_) => true,
            Visibility::Restricted(_) => !outside,
            // What is below where a crate begins sees what is private there.
            Visibility::Inherited => !outside && module.is_empty(),
        };
        let exhaustive = !item.attrs.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"));
        (exhaustive || !outside) && item.fields.iter().all(open)
    }

    fn of_type(&self, kind: &Type, imports: &mut BTreeSet<String>, depth: usize) -> Option<String> {
        let name = ident(kind)?;
        let known = match name.as_str() {
            "String" => "String::new()",
            "Vec" => "Vec::new()",
            "Option" => "None",
            "bool" => "false",
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128"
            | "isize" => "1",
            "f32" | "f64" => "1.0",
            "Box" => {
                return Some(format!("Box::new({})", self.of_type(argument(kind)?, imports, depth + 1)?));
            }
            _ => return self.named(&name, imports, depth + 1),
        };
        Some(known.to_owned())
    }
}

/// Whether the type of an event is in a `Box`, and its name.
fn payload(kind: &Type) -> Option<(bool, String)> {
    match argument(kind) {
        Some(inner) if ident(kind)? == "Box" && argument(inner).is_none() => Some((true, ident(inner)?)),
        Some(_) => None,
        None => Some((false, ident(kind)?)),
    }
}

/// What a type has in `<…>`.
fn argument(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

/// The last part of a type's path.
fn ident(kind: &Type) -> Option<String> {
    let Type::Path(path) = kind else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        paths.is_ok_and(|paths| {
            paths.iter().any(|path| path.segments.last().is_some_and(|it| it.ident == name))
        })
    })
}

/// The type in `#[event(id = …)]`.
fn id_of(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("event"))?;
    let parts = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    parts.iter().find_map(|part| match part {
        Meta::NameValue(pair) if pair.path.is_ident("id") => match &pair.value {
            syn::Expr::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = r#"
#[derive(Id)]
pub struct OrderId(String);
#[derive(Id)]
pub struct CartId(Uuid);
#[derive(Clone, Default)]
pub struct Cents(i64);
pub enum Status { Placed, Lost(u8) }
pub struct Placed { pub order: OrderId, pub cart: CartId, pub lines: Vec<Line>, pub cents: Cents, pub status: Status, pub many: u8 }
pub struct Strange(std::net::IpAddr);
pub struct Odd { pub strange: Strange }
#[derive(Event, Clone)]
#[event(stream = "order", id = OrderId)]
pub enum OrderEvent { Placed(Placed), Odd(Odd) }
"#;

    fn types() -> Types {
        of(From::Outside, EVENTS)
    }

    fn of(from: From, text: &str) -> Types {
        let mut types = Types::new(from);
        types.read(&modules::Path::new(), text);
        types
    }

    #[test]
    fn a_set_of_events_is_known_by_its_derive() {
        assert_eq!(types().event_sets(), ["OrderEvent"]);
        let set = types().event_set("OrderEvent").expect("it is understood");
        assert_eq!((set.name.as_str(), set.id.as_str()), ("OrderEvent", "OrderId"));
        let events: Vec<_> =
            set.events.iter().map(|event| format!("{}({})", event.variant, event.name)).collect();
        assert_eq!(events, ["Placed(Placed)", "Odd(Odd)"]);
    }

    #[test]
    fn what_is_in_a_box_is_put_into_one() {
        let text =
            EVENTS.replace("Placed(Placed)", "Placed(Box<Placed>)").replace("many: u8", "pub many: Box<u8>");
        let types = of(From::Outside, &text.replace("pub pub", "pub"));
        let set = types.event_set("OrderEvent").expect("it is understood");
        assert_eq!(set.events[0], Payload { variant: "Placed".into(), name: "Placed".into(), boxed: true });
        let value = types.event(&set.events[0], &mut BTreeSet::new()).expect("all fields are known");
        assert!(value.starts_with("Box::new(Placed {") && value.ends_with("many: Box::new(1) })"), "{value}");
        let endless = of(From::Outside, "pub struct A { pub a: Box<A> }");
        assert_eq!(endless.value("A", &mut BTreeSet::new()), None);
    }

    #[test]
    fn what_is_private_is_not_written() {
        for (text, outside, within) in [
            ("pub struct A { a: u8 }", false, true),
            ("pub struct A { pub(crate) a: u8 }", false, true),
            ("pub struct A { pub a: u8 }", true, true),
            ("pub mod m { pub struct A { a: u8 } }", false, false),
            ("pub mod m { pub struct A { pub a: u8 } }", true, true),
            ("mod m { pub struct A { pub a: u8 } }", false, true),
            ("#[non_exhaustive] pub struct A { pub a: u8 }", false, true),
            ("pub struct A;", true, true),
        ] {
            for (from, known) in [(From::Outside, outside), (From::Within, within)] {
                let value = of(from, text).value("A", &mut BTreeSet::new());
                assert_eq!(value.is_some(), known, "{text} {from:?}: {value:?}");
            }
        }
    }

    #[test]
    fn events_that_can_not_be_named_are_told_from_those_that_are_not_there() {
        let hidden = format!("mod m {{ {EVENTS} }}");
        let types = of(From::Outside, &hidden);
        assert_eq!(types.event_sets(), ["OrderEvent"]);
        assert!(types.event_set("OrderEvent").expect_err("it is hidden").contains("`OrderEvent`"));
        let types = of(From::Outside, &format!("pub {hidden}"));
        types.event_set("OrderEvent").expect("it has a path");
        assert_eq!(types.path("OrderEvent").as_deref(), Some("m"));
        let types = of(From::Outside, "mod m { made!(OrderEvent); } pub use m::OrderEvent;");
        assert!(types.event_sets().is_empty() && types.offers("OrderEvent"));
    }

    #[test]
    fn what_is_called_as_something_else_is_not_guessed() {
        let twice = format!("pub mod a {{ {EVENTS} }} pub mod b {{ pub struct Placed {{ pub other: u8 }} }}");
        let why = of(From::Outside, &twice).event_set("OrderEvent").expect_err("there are two");
        assert!(why.contains("several modules have a `Placed`"), "{why}");
        // One that can't be named is no matter.
        let hidden = twice.replace("pub mod b", "mod b");
        of(From::Outside, &hidden).event_set("OrderEvent").expect("one is meant");
        let field = "pub mod a { pub struct A { pub b: B } pub enum B { X } } pub mod c { pub enum B { Y } }";
        assert_eq!(of(From::Outside, field).value("A", &mut BTreeSet::new()), None);
    }

    #[test]
    fn an_id_of_which_nothing_is_known_is_refused() {
        let foreign =
            EVENTS.replace("#[derive(Id)]\npub struct OrderId(String);", "pub use shared::OrderId;");
        let why = of(From::Outside, &foreign).event_set("OrderEvent").expect_err("it may be anything");
        assert!(why.contains("`OrderId`"), "{why}");
    }

    #[test]
    fn a_value_is_made_of_values_of_its_fields() {
        let mut imports = BTreeSet::new();
        let value = types().value("Placed", &mut imports).expect("all fields are known");
        assert_eq!(
            value,
            "Placed { order: \"1\".parse().expect(\"it is an id\"), cart: CartId::generate(), lines: Vec::new(), \
             cents: Cents::default(), status: Status::Placed, many: 1 }"
        );
        assert_eq!(imports.into_iter().collect::<Vec<_>>(), ["CartId", "Cents", "Placed", "Status"]);
    }

    #[test]
    fn of_a_strange_type_there_is_no_value_and_no_import() {
        let mut imports = BTreeSet::new();
        assert_eq!(types().value("Odd", &mut imports), None);
        assert!(imports.is_empty(), "{imports:?}");
    }
}
