use std::time::Duration;

use quote::ToTokens;
use syn::{
    DeriveInput, Ident, LitInt, LitStr, Path, Token, Type, Visibility, parse::ParseStream,
    punctuated::Punctuated,
};

use super::{
    duration,
    fields::{self, Index},
};
use crate::{
    diagnostics::Errors,
    fingerprint::Fingerprint,
    generated, names,
    options::{Grammar, Key, Known, default_crate},
};

pub(super) struct Projection {
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) krate: Path,
    pub(super) name: LitStr,
    pub(super) version: u32,
    /// Event sets and single events, at least one.
    pub(super) feeds: Vec<Type>,
    /// `None`: the id of the only feed's streams.
    pub(super) key: Option<Type>,
    pub(super) max_lag: Option<Duration>,
    /// The variant of `OnError`; `None`: the default.
    pub(super) on_error: Option<Ident>,
    pub(super) partitions: Option<u16>,
    pub(super) default: bool,
    pub(super) indexes: Vec<Index>,
    pub(super) fingerprint: u64,
    /// Generics are a mistake; with them even inert impls would not compile.
    pub(super) generic: bool,
}

const OPTIONS: Grammar = Grammar {
    attribute: "projection",
    within: None,
    options: &[
        Known { name: "name", form: "name = \"order_summary\"" },
        Known { name: "version", form: "version = 2" },
        Known { name: "events", form: "events(OrderEvent, PaymentTaken)" },
        Known { name: "key", form: "key = OrderId" },
        Known { name: "max_lag", form: "max_lag = \"2s\"" },
        Known { name: "on_error", form: "on_error = \"halt\"" },
        Known { name: "partitions", form: "partitions = 64" },
        Known { name: "default", form: "default" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

pub(super) fn read(input: &DeriveInput, errors: &mut Errors) -> Projection {
    let (mut name, mut version, mut feeds, mut key, mut default, mut krate) =
        (None, None, None, None, false, None);
    let (mut max_lag, mut on_error, mut partitions) = (None, None, None);
    let mut keyed = false;
    OPTIONS.read(&input.attrs, errors, |option, value| {
        match option.name() {
            "name" => name = Some(option.text(value)?),
            "version" => version = Some(check_version(&option.number(value)?)?),
            "events" => feeds = Some(read_feeds(option, value)?),
            "key" => {
                keyed = true;
                key = Some(option.ty(value)?);
            }
            "max_lag" => max_lag = Some(duration::parse(&option.text(value)?)?),
            "on_error" => on_error = Some(read_policy(&option.text(value)?)?),
            "partitions" => partitions = Some(check_partitions(&option.number(value)?)?),
            "default" => default = true,
            _ => krate = Some(option.crate_path(value)?),
        }
        Ok(())
    });
    let ident = &input.ident;
    let feeds = check_feeds(ident, feeds, keyed, errors);
    let generic = !input.generics.params.is_empty();
    if generic {
        errors.at(
            &input.generics,
            "a projection can't be generic, as its documents are stored by name; use a type for each",
        );
    }
    let name = name.unwrap_or_else(|| LitStr::new(&names::snake_case(&names::plain(ident)), ident.span()));
    check_name(&name, errors);
    let fingerprint = fingerprint(input, &feeds, key.as_ref(), default);
    Projection {
        ident: ident.clone(),
        vis: input.vis.clone(),
        krate: krate.unwrap_or_else(default_crate),
        name,
        version: version.unwrap_or(1),
        feeds,
        key,
        max_lag,
        on_error,
        partitions,
        default,
        indexes: fields::indexes(input, errors),
        fingerprint,
        generic,
    }
}

/// Of what shapes documents: not of how the projection is run, such as its `max_lag`.
fn fingerprint(input: &DeriveInput, feeds: &[Type], key: Option<&Type>, default: bool) -> u64 {
    let mut item = input.clone();
    item.attrs.retain(|attribute| !attribute.path().is_ident(OPTIONS.attribute));
    let mut fingerprint = Fingerprint::new();
    fingerprint.tokens(item.to_token_stream());
    for feed in feeds {
        fingerprint.text("feed");
        fingerprint.tokens(feed.to_token_stream());
    }
    fingerprint.text("key");
    fingerprint.tokens(key.to_token_stream());
    fingerprint.text(if default { "default" } else { "created" });
    fingerprint.get()
}

fn check_partitions(partitions: &LitInt) -> syn::Result<u16> {
    let count: Option<u16> = partitions.base10_parse().ok();
    count.filter(|count| count.is_power_of_two() && *count <= 1_024).ok_or_else(|| {
        syn::Error::new(
            partitions.span(),
            "a projection is divided into 2, 4, 8, … or 1024 partitions, such as `partitions = 64`; leave it out to keep it whole",
        )
    })
}

/// The variant of `OnError` that is meant.
fn read_policy(policy: &LitStr) -> syn::Result<Ident> {
    let variant = match policy.value().as_str() {
        "park" => "Park",
        "retry" => "Retry",
        "halt" => "Halt",
        other => {
            return Err(syn::Error::new(
                policy.span(),
                format!(
                    "{other:?} is nothing that a projection can do with an event that fails; write `on_error = \"park\"`, \
                     which puts it aside with all later events of its document and goes on with the others (the default), \
                     `\"retry\"`, or `\"halt\"`"
                ),
            ));
        }
    };
    Ok(Ident::new(variant, policy.span()))
}

fn read_feeds(option: &Key<'_>, value: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    if value.peek(Token![=]) {
        return Ok(vec![option.ty(value)?]);
    }
    let feeds: Punctuated<Type, Token![,]> =
        option.list(value, |input| input.call(Punctuated::parse_terminated))?;
    if feeds.is_empty() { Err(option.wrong(option.ident().span())) } else { Ok(feeds.into_iter().collect()) }
}

/// What feeds the projection; after a mistake, something that lets the rest compile.
fn check_feeds(projection: &Ident, feeds: Option<Vec<Type>>, keyed: bool, errors: &mut Errors) -> Vec<Type> {
    let Some(feeds) = feeds else {
        if errors.is_empty() {
            errors.at(
                projection,
                format_args!(
                    "`{projection}` does not say what feeds it; add `#[projection(events(…))]` with event sets such as `OrderEvent`, or single events"
                ),
            );
        }
        return vec![generated::unknown()];
    };
    let mut distinct: Vec<Type> = Vec::with_capacity(feeds.len());
    for feed in feeds {
        let text = feed.to_token_stream().to_string();
        if distinct.iter().any(|other| other.to_token_stream().to_string() == text) {
            errors.at(&feed, format_args!("`{text}` is listed twice; remove one of the two"));
        } else {
            distinct.push(feed);
        }
    }
    if let (Some(second), false) = (distinct.get(1), keyed) {
        errors.at(
            second,
            format_args!(
                "with several feeds the documents of `{projection}` need a key; add `#[projection(key = …)]` with its type"
            ),
        );
    }
    distinct
}

fn check_version(literal: &LitInt) -> syn::Result<u32> {
    match literal.base10_parse() {
        Ok(version @ 1..) => Ok(version),
        _ => Err(syn::Error::new(
            literal.span(),
            format_args!(
                "{} is not a version; they count from 1, which is the default",
                literal.to_token_stream()
            ),
        )),
    }
}

/// The name becomes that of a table or collection, so it must suit every database.
fn check_name(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let suits = text.len() <= 48
        && text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !suits {
        errors.at(
            name,
            format_args!(
                "{text:?} can't name a table; choose up to 48 letters `a` to `z`, digits and `_`, beginning with a letter: `#[projection(name = \"order_summary\")]`"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn of(input: &DeriveInput) -> u64 {
        let mut errors = Errors::default();
        read(input, &mut errors).fingerprint
    }

    #[test]
    fn how_a_projection_is_run_is_no_part_of_its_fingerprint() {
        let plain = of(&parse_quote! { #[projection(events(OrderEvent))] struct Orders { total: u64 } });
        let run = of(&parse_quote! {
            #[projection(max_lag = "2s", on_error = "halt", partitions = 64, events(OrderEvent))]
            struct Orders { total: u64 }
        });
        assert_eq!(plain, run);
    }

    #[test]
    fn what_shapes_its_documents_is_part_of_its_fingerprint() {
        let inputs: [DeriveInput; 7] = [
            parse_quote! { #[projection(events(OrderEvent))] struct Orders { total: u64 } },
            parse_quote! { #[projection(events(OrderEvent))] struct Orders { total: i64 } },
            parse_quote! { #[projection(events(OrderEvent))] struct Orders { #[projection(index)] total: u64 } },
            parse_quote! { #[projection(events(OrderEvent))] #[serde(deny_unknown_fields)] struct Orders { total: u64 } },
            parse_quote! { #[projection(events(OrderEvent, PaymentTaken), key = OrderId)] struct Orders { total: u64 } },
            parse_quote! { #[projection(events(OrderEvent), key = CustomerId)] struct Orders { total: u64 } },
            parse_quote! { #[projection(events(OrderEvent), default)] struct Orders { total: u64 } },
        ];
        let prints: std::collections::BTreeSet<u64> = inputs.iter().map(of).collect();
        assert_eq!(prints.len(), inputs.len());
    }
}
