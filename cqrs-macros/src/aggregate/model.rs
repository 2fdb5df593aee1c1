use quote::ToTokens;
use syn::{Data, DeriveInput, Ident, LitInt, Path, Type, parse::ParseStream};

use crate::{
    diagnostics::Errors,
    fingerprint::Fingerprint,
    generated, names,
    options::{Grammar, Key, Known, default_crate},
};

pub(super) struct Aggregate {
    pub(super) ident: Ident,
    pub(super) krate: Path,
    pub(super) event: Type,
    pub(super) services: Option<Type>,
    /// How many events a snapshot spares.
    pub(super) snapshot_every: Option<u64>,
    pub(super) default: bool,
    pub(super) fingerprint: u64,
    /// Generics are a mistake; with them even inert impls would not compile.
    pub(super) generic: bool,
}

const OPTIONS: Grammar = Grammar {
    attribute: "aggregate",
    within: None,
    options: &[
        Known { name: "event", form: "event = OrderEvent" },
        Known { name: "services", form: "services = OrderServices" },
        Known { name: "snapshot", form: "snapshot(every = 100)" },
        Known { name: "default", form: "default" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

const SNAPSHOT: Grammar = Grammar {
    attribute: "aggregate",
    within: Some("snapshot"),
    options: &[Known { name: "every", form: "every = 100" }, Known { name: "version", form: "version = 2" }],
};

struct Snapshot {
    every: u64,
    version: u64,
}

pub(super) fn read(input: &DeriveInput, errors: &mut Errors) -> Aggregate {
    let (mut event, mut services, mut snapshot, mut default, mut krate) = (None, None, None, false, None);
    let mut nested = Errors::default();
    OPTIONS.read(&input.attrs, errors, |key, value| {
        match key.name() {
            "event" => event = Some(key.ty(value)?),
            "services" => services = Some(key.ty(value)?),
            "snapshot" => snapshot = read_snapshot(key, value, &mut nested)?,
            "default" => default = true,
            _ => krate = Some(key.crate_path(value)?),
        }
        Ok(())
    });
    errors.append(nested);
    if errors.is_empty() && event.is_none() {
        errors.at(
            &input.ident,
            format_args!(
                "`{0}` names no event set; add `#[aggregate(event = {0}Event)]` with the enum of its events",
                input.ident
            ),
        );
    }
    let services = services.filter(|services| {
        let own = names::of_type(services).is_none_or(|name| name != "Metadata");
        if !own {
            errors.at(
                services,
                "`Metadata` is given to every handler that takes it; name a type of your own, or none",
            );
        }
        own
    });
    if let Data::Union(_) = input.data {
        errors.at(&input.ident, "an aggregate is a struct or an enum, not a union");
    }
    let generic = !input.generics.params.is_empty();
    if generic {
        errors.at(
            &input.generics,
            "an aggregate can't be generic, as it has one kind of stream; use a type for each",
        );
    }
    let mut fingerprint = Fingerprint::new();
    fingerprint.tokens(input.to_token_stream());
    fingerprint.text(&snapshot.as_ref().map_or(1, |snapshot| snapshot.version).to_string());
    Aggregate {
        ident: input.ident.clone(),
        krate: krate.unwrap_or_else(default_crate),
        event: event.unwrap_or_else(generated::unknown),
        services,
        snapshot_every: snapshot.map(|snapshot| snapshot.every),
        default,
        fingerprint: fingerprint.get(),
        generic,
    }
}

fn read_snapshot(
    key: &Key<'_>,
    value: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Option<Snapshot>> {
    let tokens = key.nested(value)?;
    let (mut every, mut version) = (None, None);
    let sound = errors.is_empty();
    SNAPSHOT.read_tokens(tokens, errors, |key, value| {
        let number = key.number(value)?;
        let counted = count(&number, key.name())?;
        match key.name() {
            "every" => every = Some(counted),
            _ => version = Some(counted),
        }
        Ok(())
    });
    if sound && errors.is_empty() && every.is_none() {
        return Err(key.wrong(key.ident().span()));
    }
    Ok(every.map(|every| Snapshot { every, version: version.unwrap_or(1) }))
}

fn count(number: &LitInt, option: &str) -> syn::Result<u64> {
    match number.base10_parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(syn::Error::new(
            number.span(),
            format_args!(
                "`{option}` is a whole number from 1, such as `{option} = {}`",
                if option == "every" { 100 } else { 2 }
            ),
        )),
    }
}
