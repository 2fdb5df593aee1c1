//! What becomes of the demo's `cfg`s in a project.
//!
//! A project has no features: what was chosen is there, all else is not. So what asks for a chosen feature stays, and whatever
//! stands in for a feature that is missing (`not(…)`) goes. In one `all(…)`, a kind of store beside `write-store` is the one of
//! events, and beside `read-store` the one of views; by itself it is either.

use syn::{Expr, ExprLit, Lit, Meta, Token, punctuated::Punctuated};

use crate::project::Stores;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    /// It is about something else than features, and stays as it is.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Write,
    Read,
}

const BOTH: &[Side] = &[Side::Write, Side::Read];

pub(super) fn evaluate(predicate: &Meta, stores: Stores) -> Result<Verdict, String> {
    on(predicate, stores, BOTH)
}

fn on(predicate: &Meta, stores: Stores, sides: &[Side]) -> Result<Verdict, String> {
    if let Some(feature) = feature(predicate)? {
        return has(&feature, stores, sides);
    }
    let Meta::List(list) = predicate else { return Ok(Verdict::Foreign) };
    let parts = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .map_err(|error| error.to_string())?;
    let all = predicate.path().is_ident("all");
    let own = if all { side_of(&parts)? } else { None };
    let sides = own.as_ref().map_or(sides, std::slice::from_ref);
    let verdicts = parts.iter().map(|part| on(part, stores, sides)).collect::<Result<Vec<_>, _>>()?;
    let foreign = verdicts.contains(&Verdict::Foreign);
    if verdicts.iter().all(|verdict| *verdict == Verdict::Foreign) {
        return Ok(Verdict::Foreign);
    }
    let holds = match predicate.path().get_ident().map(ToString::to_string).as_deref() {
        Some("not") => false,
        Some("any") => verdicts.contains(&Verdict::Yes),
        Some("all") => !verdicts.contains(&Verdict::No),
        _ => return Err("a list is `all`, `any` or `not`".to_owned()),
    };
    if foreign {
        return Err("a `cfg` is about features, or about something else, not about both".to_owned());
    }
    Ok(if holds { Verdict::Yes } else { Verdict::No })
}

/// The name of a feature that a predicate asks for.
fn feature(predicate: &Meta) -> Result<Option<String>, String> {
    match predicate {
        Meta::NameValue(pair) if pair.path.is_ident("feature") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => Ok(Some(name.value())),
            _ => Err("a feature is a string".to_owned()),
        },
        _ => Ok(None),
    }
}

fn side_of(parts: &Punctuated<Meta, Token![,]>) -> Result<Option<Side>, String> {
    let mut side = None;
    for part in parts {
        side = match feature(part)?.as_deref() {
            Some("write-store") => Some(Side::Write),
            Some("read-store") => Some(Side::Read),
            _ => side,
        };
    }
    Ok(side)
}

fn has(feature: &str, stores: Stores, sides: &[Side]) -> Result<Verdict, String> {
    let chosen = match feature {
        // One program has all roles.
        "command" | "projector" | "query" | "write-store" | "read-store" => true,
        "sqlite" | "postgres" | "mongodb" => sides.iter().any(|side| match side {
            Side::Write => stores.write.feature() == feature,
            Side::Read => stores.read.feature() == feature,
        }),
        _ => return Err(format!("the feature `{feature}` is not known to the template")),
    };
    Ok(if chosen { Verdict::Yes } else { Verdict::No })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Read, Write};

    fn verdict(predicate: &str, write: Write, read: Read) -> Verdict {
        let predicate = syn::parse_str(predicate).expect("a predicate");
        evaluate(&predicate, Stores { write, read }).expect("it can be told")
    }

    #[test]
    fn what_was_chosen_is_there_and_all_else_is_not() {
        for (predicate, expected) in [
            (r#"feature = "command""#, Verdict::Yes),
            (r#"feature = "sqlite""#, Verdict::Yes),
            (r#"feature = "mongodb""#, Verdict::Yes),
            (r#"feature = "postgres""#, Verdict::No),
            (r#"any(feature = "postgres", feature = "mongodb")"#, Verdict::Yes),
            (r#"all(feature = "sqlite", feature = "mongodb")"#, Verdict::Yes),
            ("test", Verdict::Foreign),
            ("not(unix)", Verdict::Foreign),
        ] {
            assert_eq!(verdict(predicate, Write::Sqlite, Read::Mongo), expected, "{predicate}");
        }
    }

    #[test]
    fn nothing_stands_in_for_what_is_missing() {
        for predicate in [
            r#"not(feature = "sqlite")"#,
            r#"not(feature = "postgres")"#,
            r#"not(all(feature = "sqlite", feature = "postgres"))"#,
        ] {
            assert_eq!(verdict(predicate, Write::Sqlite, Read::Mongo), Verdict::No, "{predicate}");
        }
    }

    #[test]
    fn a_kind_beside_a_side_is_the_one_of_that_side() {
        let events = r#"all(feature = "sqlite", feature = "write-store")"#;
        let views = r#"all(feature = "sqlite", feature = "read-store")"#;
        let either = r#"all(any(feature = "sqlite", feature = "postgres"), feature = "read-store")"#;
        let both = format!("all({events}, {views})");
        for (write, read, expected) in [
            (Write::Sqlite, Read::Sqlite, [Verdict::Yes, Verdict::Yes, Verdict::Yes, Verdict::Yes]),
            (Write::Sqlite, Read::Mongo, [Verdict::Yes, Verdict::No, Verdict::No, Verdict::No]),
            (Write::Postgres, Read::Sqlite, [Verdict::No, Verdict::Yes, Verdict::Yes, Verdict::No]),
        ] {
            let found = [events, views, either, &both].map(|predicate| verdict(predicate, write, read));
            assert_eq!(found, expected, "{write:?} {read:?}");
        }
    }

    #[test]
    fn what_the_template_does_not_know_is_an_error() {
        let stores = Stores { write: Write::Sqlite, read: Read::Sqlite };
        for predicate in [r#"feature = "oracle""#, r#"all(unix, feature = "sqlite")"#, r"feature = 7"] {
            let parsed = syn::parse_str(predicate).expect("a predicate");
            assert!(evaluate(&parsed, stores).is_err(), "{predicate}");
        }
    }
}
