//! What a field is called in the stored document, as serde's attributes say it: there a read store looks for it.

use syn::{Attribute, Expr, ExprLit, Field, Ident, Lit, LitStr, Meta, Token, Type, punctuated::Punctuated};

use crate::{diagnostics::Errors, names};

/// How the documents are serialised as a whole.
pub(super) struct Container {
    rename_all: Option<LitStr>,
    /// An attribute by which the document is not made of the type's fields.
    other_shape: Option<Meta>,
}

impl Container {
    pub(super) fn read(attributes: &[Attribute]) -> Self {
        let mut container = Self { rename_all: None, other_shape: None };
        for meta in serde(attributes) {
            if let Some(rule) = renamed(&meta, "rename_all") {
                container.rename_all = Some(rule);
            } else if ["transparent", "into"].iter().any(|name| meta.path().is_ident(name)) {
                container.other_shape = Some(meta);
            }
        }
        container
    }

    /// The name of an indexed field in the stored document. Says what keeps the field from being found there.
    pub(super) fn name_of(&self, field: &Field, ident: &Ident, errors: &mut Errors) -> LitStr {
        let plain = names::plain(ident);
        let mut name = match self.rename_all.as_ref().and_then(|rule| apply(&rule.value(), &plain)) {
            Some(name) => LitStr::new(&name, ident.span()),
            None => LitStr::new(&plain, ident.span()),
        };
        for meta in serde(&field.attrs) {
            if let Some(given) = renamed(&meta, "rename") {
                name = given;
            } else if let Some(problem) = problem(&meta, &field.ty) {
                errors.at(&meta, format_args!("{problem}, so `{plain}` can't be an index: read stores look it up in the stored document; {}", advice(&meta)));
            }
        }
        if let Some(meta) = &self.other_shape {
            errors.at(
                meta,
                format_args!(
                    "by this the stored document has no field `{plain}`, so that can't be an index; remove it, or the index"
                ),
            );
        }
        check(&name, errors);
        name
    }
}

/// What an attribute does to a field that is to be found in the document, as it is.
fn problem(meta: &Meta, ty: &Type) -> Option<&'static str> {
    let name = meta.path().get_ident()?.to_string();
    match name.as_str() {
        "with" | "serialize_with" => Some("this stores another value than the field's own"),
        "skip" | "skip_serializing" => Some("this leaves the field out"),
        "skip_serializing_if" if !(is_option(ty) && is_none_check(meta)) => {
            Some("this leaves the field out now and then")
        }
        "flatten" => Some("this stores the field's parts instead of the field"),
        _ => None,
    }
}

fn advice(meta: &Meta) -> &'static str {
    if meta.path().is_ident("skip_serializing_if") {
        "remove this, or the index; `skip_serializing_if = \"Option::is_none\"` on an `Option` does no harm"
    } else if meta.path().is_ident("with") || meta.path().is_ident("serialize_with") {
        "give the field a type that serialises as you want it, or index another field"
    } else {
        "remove this, or the index"
    }
}

/// What is left out then is found as nothing, as it is when it is there.
fn is_none_check(meta: &Meta) -> bool {
    text(meta).is_some_and(|path| {
        let path: String = path.value().split_whitespace().collect();
        ["Option::is_none", "std::option::Option::is_none", "core::option::Option::is_none"]
            .contains(&path.trim_start_matches("::"))
    })
}

fn is_option(ty: &Type) -> bool {
    names::of_type(ty).is_some_and(|name| name == "Option")
}

/// Each part of the `serde` attributes. What can't be read is serde's to report.
fn serde(attributes: &[Attribute]) -> impl Iterator<Item = Meta> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .filter_map(|attribute| {
            attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()
        })
        .flatten()
}

/// The new name in `rename = "…"` or `rename(serialize = "…")`.
fn renamed(meta: &Meta, option: &str) -> Option<LitStr> {
    if !meta.path().is_ident(option) {
        return None;
    }
    match meta {
        Meta::NameValue(_) => text(meta),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            parts.iter().find(|part| part.path().is_ident("serialize")).and_then(text)
        }
        Meta::Path(_) => None,
    }
}

fn text(meta: &Meta) -> Option<LitStr> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A field's name by one of serde's rules; `None` for a rule that there is not.
fn apply(rule: &str, field: &str) -> Option<String> {
    let pascal = || {
        let mut name = String::new();
        let mut up = true;
        for letter in field.chars() {
            if letter == '_' {
                up = true;
            } else {
                name.push(if up { letter.to_ascii_uppercase() } else { letter });
                up = false;
            }
        }
        name
    };
    Some(match rule {
        "lowercase" | "snake_case" => field.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let name = pascal();
            let first = name.chars().next()?;
            first.to_ascii_lowercase().to_string() + &name[first.len_utf8()..]
        }
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

/// The name becomes that of a column or of a path in a document.
fn check(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let suits = !text.is_empty()
        && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    if !suits {
        errors.add(syn::Error::new(
            name.span(),
            format_args!(
                "{text:?} can't name an index; in the stored document its field needs a name of letters, digits, `_` and `-`"
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::apply;

    macro_rules! as_serde_does {
        ($($rule:literal),*) => {$({
            #[derive(Serialize)]
            #[serde(rename_all = $rule)]
            #[allow(non_snake_case)]
            struct Fields { a: u8, customer_id: u8, first_2_lines: u8, _led: u8, trailing_: u8, two__lines: u8, größe_öl: u8 }

            let json = serde_json::to_value(Fields {
                a: 0, customer_id: 0, first_2_lines: 0, _led: 0, trailing_: 0, two__lines: 0, größe_öl: 0,
            });
            let json = json.expect("JSON");
            let mut names: Vec<_> = json.as_object().expect("an object").keys().cloned().collect();
            let fields = ["a", "customer_id", "first_2_lines", "_led", "trailing_", "two__lines", "größe_öl"];
            let mut ours: Vec<_> = fields.iter().map(|field| apply($rule, field).expect("a rule")).collect();
            names.sort();
            ours.sort();
            assert_eq!(ours, names, "{}", $rule);
        })*};
    }

    #[test]
    fn each_rule_is_the_one_of_serde() {
        as_serde_does!(
            "lowercase",
            "UPPERCASE",
            "PascalCase",
            "camelCase",
            "snake_case",
            "SCREAMING_SNAKE_CASE",
            "kebab-case",
            "SCREAMING-KEBAB-CASE"
        );
        assert_eq!(apply("Upper", "a"), None);
    }
}
