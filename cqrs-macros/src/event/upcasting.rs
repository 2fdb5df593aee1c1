//! `version = 3, from(1 = …, 2 = …)`: a type for each older schema version.

use quote::ToTokens;
use syn::{
    Ident, LitInt, Token, Type,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

use crate::{diagnostics::Errors, names};

/// An older schema version.
pub(super) struct Older {
    pub(super) version: u32,
    pub(super) ty: Type,
}

/// One `1 = OrderPlacedV1`.
pub(super) struct Entry {
    version: LitInt,
    ty: Type,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        const FORM: &str = "a schema version is written `1 = OrderPlacedV1`";
        let version = input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), FORM))?;
        input.parse::<Token![=]>().map_err(|error| syn::Error::new(error.span(), FORM))?;
        let ty = input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), FORM))?;
        Ok(Self { version, ty })
    }
}

pub(super) type Entries = Punctuated<Entry, Token![,]>;

pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Entries> {
    input.call(Punctuated::parse_terminated)
}

/// The newest version, and a type for each older one, in order.
pub(super) fn check(
    payload: &Type,
    newest: Option<LitInt>,
    from: Option<(Ident, Entries)>,
    errors: &mut Errors,
) -> (u32, Vec<Older>) {
    let type_name = names::of_type(payload).map(ToString::to_string).unwrap_or_default();
    let newest = newest.and_then(|newest| Some((number(&newest, errors)?, newest)));
    let (from, entries) = match from {
        Some((from, entries)) => (Some(from), entries),
        None => (None, Entries::new()),
    };
    let mut older: Vec<Older> = Vec::new();
    let mut sound = true;
    for entry in entries {
        let Some(version) = number(&entry.version, errors) else {
            sound = false;
            continue;
        };
        let expected = older.last().map_or(1, |last| last.version.saturating_add(1));
        let problem = if older.iter().any(|other| other.version == version) {
            format!("the schema version {version} is listed twice; keep one of the two")
        } else if version < expected {
            format!("the schema version {version} comes after a newer one; list them in order, oldest first")
        } else if let Some((newest, _)) = &newest
            && version >= *newest
        {
            format!(
                "`{type_name}` itself is schema version {newest}, so {version} is not older; raise `version`, or remove this"
            )
        } else if version > expected {
            format!(
                "the schema version {expected} is missing before {version}; add `{expected} = {type_name}V{expected}`, so that what was recorded in it can still be read"
            )
        } else {
            older.push(Older { version, ty: entry.ty });
            continue;
        };
        sound = false;
        errors.at(&entry.version, problem);
        if version > expected {
            older.push(Older { version, ty: entry.ty });
        }
    }
    let known = older.last().map_or(0, |last| last.version);
    match (newest, from) {
        (Some((newest, literal)), _) => {
            if sound && newest != known.saturating_add(1) {
                let missing: Vec<_> = (known + 1..newest)
                    .take(3)
                    .map(|version| format!("{version} = {type_name}V{version}"))
                    .collect();
                errors.at(
                    literal,
                    format_args!(
                        "version {newest} of `{type_name}` needs a type for each older one, so that what was recorded can still be read; add to `from(…)`: `{}`",
                        missing.join(", ")
                    ),
                );
            }
            (newest, older)
        }
        (None, Some(from)) if known > 0 => {
            if sound {
                errors.at(
                    from,
                    format_args!("`from` lists older schema versions, but `{type_name}` is version 1; add `version = {}`", known + 1),
                );
            }
            (known + 1, older)
        }
        (None, _) => (1, older),
    }
}

/// A schema version, from 1.
fn number(literal: &LitInt, errors: &mut Errors) -> Option<u32> {
    if let Ok(number @ 1..) = literal.base10_parse::<u32>() {
        return Some(number);
    }
    errors.at(
        literal,
        format_args!(
            "{} is not a schema version; they count from 1, which is the default",
            literal.to_token_stream()
        ),
    );
    None
}
