use syn::{Data, DeriveInput, Fields, Ident, Path, Type, Visibility};

use crate::{
    diagnostics::Errors,
    names,
    options::{Grammar, Known, default_crate},
};

pub(super) struct Id {
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) krate: Path,
    pub(super) kind: Kind,
    /// The field's type; `None` after a mistake.
    pub(super) inner: Option<Type>,
    /// Refuses values.
    pub(super) validate: Option<Path>,
    /// Generics are a mistake; with them even inert impls would not compile.
    pub(super) generic: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Uuid,
    Text,
    Number,
}

const OPTIONS: Grammar = Grammar {
    attribute: "id",
    within: None,
    options: &[
        Known { name: "validate", form: "validate = path::to::function" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

const NUMBERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

pub(super) fn read(input: DeriveInput, errors: &mut Errors) -> Id {
    let (mut validate, mut krate) = (None, None);
    OPTIONS.read(&input.attrs, errors, |key, value| {
        match key.name() {
            "validate" => validate = Some(key.path(value)?),
            _ => krate = Some(key.crate_path(value)?),
        }
        Ok(())
    });
    let generic = !input.generics.params.is_empty();
    if generic {
        errors.at(&input.generics, "an id can't be generic; use a type for each kind of id");
    }
    let (kind, inner) = match inner(&input.ident, input.data, errors) {
        Some((kind, inner)) => (kind, Some(inner)),
        None => (Kind::Text, None),
    };
    Id {
        ident: input.ident,
        vis: input.vis,
        krate: krate.unwrap_or_else(default_crate),
        kind,
        inner,
        validate,
        generic,
    }
}

fn inner(id: &Ident, data: Data, errors: &mut Errors) -> Option<(Kind, Type)> {
    if let Data::Struct(data) = data
        && let Fields::Unnamed(fields) = data.fields
        && fields.unnamed.len() == 1
        && let Some(field) = fields.unnamed.into_iter().next()
    {
        let kind = match names::of_type(&field.ty) {
            Some(name) if name == "Uuid" => Kind::Uuid,
            Some(name) if name == "String" => Kind::Text,
            Some(name) if NUMBERS.iter().any(|number| name == number) => Kind::Number,
            _ => {
                errors.at(
                    &field.ty,
                    format_args!("an id holds a `Uuid`, a `String`, or an integer of up to 64 bits, such as `struct {id}(Uuid);`"),
                );
                return None;
            }
        };
        return Some((kind, field.ty));
    }
    errors.at(id, format_args!("an id is a struct with one unnamed field; write `struct {id}(Uuid);`"));
    None
}
