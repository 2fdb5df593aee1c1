//! Reads what events a project has, and writes values of them for a test.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Fields, Item, ItemEnum, ItemStruct, Meta, Path, Token, Type, punctuated::Punctuated};

/// The types of some files, with the module that each is in.
#[derive(Debug, Default)]
pub(super) struct Types {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
    /// Where a type is: the path of its module.
    modules: BTreeMap<String, String>,
}

/// The events of one kind of stream.
#[derive(Clone, Debug)]
pub(super) struct EventSet {
    pub(super) name: String,
    pub(super) module: String,
    /// The type of the stream's id.
    pub(super) id: String,
    /// Variants, and the types of their payloads.
    pub(super) events: Vec<(String, String)>,
}

impl Types {
    /// Takes the types of one more file; one that is no Rust has none.
    pub(super) fn read(&mut self, module: &str, text: &str) {
        let Ok(file) = syn::parse_file(text) else { return };
        for item in file.items {
            let name = match &item {
                Item::Struct(it) => it.ident.to_string(),
                Item::Enum(it) => it.ident.to_string(),
                _ => continue,
            };
            self.modules.insert(name.clone(), module.to_owned());
            match item {
                Item::Struct(it) => drop(self.structs.insert(name, it)),
                Item::Enum(it) => drop(self.enums.insert(name, it)),
                _ => {}
            }
        }
    }

    /// All that derive `Event` and look as they have to.
    pub(super) fn event_sets(&self) -> Vec<EventSet> {
        let sets = self.enums.iter().filter(|(_, item)| derives(&item.attrs, "Event"));
        sets.filter_map(|(name, item)| {
            let events = item.variants.iter().map(|variant| {
                let Fields::Unnamed(fields) = &variant.fields else { return None };
                let payload = fields.unnamed.first().and_then(|field| ident(&field.ty))?;
                Some((variant.ident.to_string(), payload))
            });
            let events: Option<Vec<_>> = events.collect();
            Some(EventSet {
                name: name.clone(),
                module: self.modules[name].clone(),
                id: id_of(&item.attrs)?,
                events: events?,
            })
        })
        .collect()
    }

    /// A value of a type, as Rust writes it. The types that it names are added to the imports. `None` where this does not know any.
    pub(super) fn value(&self, name: &str, imports: &mut BTreeSet<String>) -> Option<String> {
        let mut used = BTreeSet::from([name.to_owned()]);
        let value = if let Some(item) = self.structs.get(name) {
            if derives(&item.attrs, "Id") {
                match item.fields.iter().next().and_then(|field| ident(&field.ty)).as_deref() {
                    Some("Uuid") => format!("{name}::generate()"),
                    Some(_) => {
                        used.clear();
                        "\"1\".parse().expect(\"it is an id\")".to_owned()
                    }
                    None => return None,
                }
            } else if derives(&item.attrs, "Default") {
                format!("{name}::default()")
            } else {
                let Fields::Named(fields) = &item.fields else { return None };
                let values = fields.named.iter().map(|field| {
                    let value = self.of_type(&field.ty, &mut used)?;
                    Some(format!("{}: {value}", field.ident.as_ref()?))
                });
                let values: Option<Vec<_>> = values.collect();
                format!("{name} {{ {} }}", values?.join(", "))
            }
        } else {
            let variants = &self.enums.get(name)?.variants;
            let unit = variants.iter().find(|variant| matches!(variant.fields, Fields::Unit))?;
            format!("{name}::{}", unit.ident)
        };
        imports.extend(used);
        Some(value)
    }

    fn of_type(&self, kind: &Type, imports: &mut BTreeSet<String>) -> Option<String> {
        let name = ident(kind)?;
        let known = match name.as_str() {
            "String" => "String::new()",
            "Vec" => "Vec::new()",
            "Option" => "None",
            "bool" => "false",
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128"
            | "isize" => "1",
            "f32" | "f64" => "1.0",
            _ => return self.value(&name, imports),
        };
        Some(known.to_owned())
    }
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
        let mut types = Types::default();
        types.read("here", EVENTS);
        types
    }

    #[test]
    fn a_set_of_events_is_known_by_its_derive() {
        let sets = types().event_sets();
        assert_eq!(sets.len(), 1);
        assert_eq!(
            (sets[0].name.as_str(), sets[0].module.as_str(), sets[0].id.as_str()),
            ("OrderEvent", "here", "OrderId")
        );
        let events: Vec<_> =
            sets[0].events.iter().map(|(variant, payload)| format!("{variant}({payload})")).collect();
        assert_eq!(events, ["Placed(Placed)", "Odd(Odd)"]);
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
