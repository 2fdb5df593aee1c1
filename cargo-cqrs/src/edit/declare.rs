//! Names a module in the file that its crate begins with.

use std::ops::Range;

use syn::{Attribute, File, Item, UseTree, Visibility, spanned::Spanned as _};

use super::{Edits, attributes, edits::comment_above};

/// The file with the module among its modules, and with `pub use …;` among what it offers, if there is something to offer. Both
/// come where rustfmt would put them.
pub(crate) fn declare(
    text: &str,
    module: &str,
    declaration: &str,
    offer: Option<&str>,
) -> Result<String, String> {
    let file = parse(text)?;
    let mut edits = Edits::default();
    let modules = file.items.iter().filter_map(|item| match item {
        // One that is there only at times is not among the others.
        Item::Mod(it) if it.content.is_none() && !attributes::of_item(item).iter().any(is_condition) => {
            Some((it.ident.to_string(), item.span().byte_range()))
        }
        _ => None,
    });
    let modules: Vec<_> = modules.collect();
    if modules.is_empty() {
        let imports =
            |item: &&Item| matches!(item, Item::Use(it) if !matches!(it.vis, Visibility::Public(_)));
        let last = file.items.iter().rfind(imports);
        let last = last.ok_or("it has neither a `mod` nor a `use` that a `mod` could come after")?;
        edits.insert(end_of_line(text, last.span().byte_range().end), format!("\n\n{declaration}"));
    } else {
        insert(&mut edits, text, &modules, module, declaration);
    }
    if let Some(offer) = offer {
        let offers = file.items.iter().filter_map(|item| match item {
            Item::Use(it) if matches!(it.vis, Visibility::Public(_)) => {
                let UseTree::Path(path) = &it.tree else {
                    return Some((String::new(), item.span().byte_range()));
                };
                Some((path.ident.to_string(), item.span().byte_range()))
            }
            _ => None,
        });
        let offers: Vec<_> = offers.collect();
        if offers.is_empty() {
            return Err("it has no `pub use`".to_owned());
        }
        insert(&mut edits, text, &offers, module, offer);
    }
    Ok(edits.apply(text))
}

fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// Puts a line after the last one whose name comes before its own, or before the first one.
fn insert(edits: &mut Edits, text: &str, among: &[(String, Range<usize>)], name: &str, line: &str) {
    match among.iter().rfind(|(other, _)| other.as_str() < name) {
        Some((_, before)) => edits.insert(end_of_line(text, before.end), format!("\n{line}")),
        None => {
            let first = among.first().map_or(0, |(_, range)| range.start);
            edits.insert(with_comments(text, first), format!("{line}\n"));
        }
    }
}

/// Behind what is said about something on its own line.
fn end_of_line(text: &str, end: usize) -> usize {
    let rest = text[end..].split('\n').next().unwrap_or_default();
    if rest.trim().is_empty() || rest.trim_start().starts_with("//") { end + rest.len() } else { end }
}

/// Where the lines of comment above something begin.
fn with_comments(text: &str, mut start: usize) -> usize {
    while let Some(above) = comment_above(text, start) {
        start = above;
    }
    start
}

/// What stands for something in the file: modules, types, and what comes from elsewhere.
pub(crate) fn names(text: &str) -> Result<Vec<String>, String> {
    let mut names = types(text)?;
    for item in parse(text)?.items {
        match item {
            Item::Mod(it) => names.push(it.ident.to_string()),
            Item::Use(it) => leaves(&it.tree, &mut names),
            _ => {}
        }
    }
    Ok(names)
}

/// What stands for something of the crate itself in the file that it begins with: its types, its modules, and what is imported from
/// these.
pub(crate) fn own(text: &str) -> Result<Vec<String>, String> {
    let mut names = types(text)?;
    let items = parse(text)?.items;
    names.extend(items.iter().filter_map(|item| match item {
        Item::Mod(it) => Some(it.ident.to_string()),
        _ => None,
    }));
    for item in &items {
        if let Item::Use(it) = item
            && let UseTree::Path(path) = &it.tree
            && (path.ident == "crate" || path.ident == "self" || names.iter().any(|name| path.ident == name))
        {
            leaves(&it.tree, &mut names);
        }
    }
    Ok(names)
}

/// The types of the file itself, and its traits, whose names are as those of types.
pub(crate) fn types(text: &str) -> Result<Vec<String>, String> {
    let own = |item: &Item| match item {
        Item::Struct(it) => Some(it.ident.to_string()),
        Item::Enum(it) => Some(it.ident.to_string()),
        Item::Union(it) => Some(it.ident.to_string()),
        Item::Type(it) => Some(it.ident.to_string()),
        Item::Trait(it) => Some(it.ident.to_string()),
        _ => None,
    };
    Ok(parse(text)?.items.iter().filter_map(own).collect())
}

fn leaves(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(name) => names.push(name.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Glob(_) => {}
    }
}

pub(super) fn parse(text: &str) -> Result<File, String> {
    syn::parse_file(text).map_err(|error| format!("line {}: {error}", error.span().start().line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "//! Docs.\n\n// Why.\nmod a; // First.\n#[allow(missing_docs)]\nmod b;\n\n#[cfg(test)]\nmod tests;\n\npub use a::{One, Two as Three};\n\nfn x() {}\n";

    #[test]
    fn a_module_and_what_it_offers_come_in_their_order() {
        let declared = |name: &str| {
            declare(LIB, name, &format!("mod {name};"), Some(&format!("pub use {name}::C;")))
                .expect("it is understood")
        };
        let last = declared("c");
        assert!(last.contains("mod a; // First.\n#[allow(missing_docs)]\nmod b;\nmod c;\n\n#[cfg"), "{last}");
        assert!(last.contains("as Three};\npub use c::C;\n\nfn x"), "{last}");
        let between = declared("aa");
        assert!(between.contains("mod a; // First.\nmod aa;\n#[allow"), "{between}");
        let first = declared("Z");
        assert!(
            first.contains("mod Z;\n// Why.\nmod a;") && first.contains("pub use Z::C;\npub use a::"),
            "{first}"
        );
    }

    #[test]
    fn a_comment_stays_with_its_module() {
        for comment in ["// Why.\n", "//Why.\n", "// Why,\n//\n// and why.\n", "//// Why.\n", "/* Why. */\n"]
        {
            let text = format!("use std::fs;\n\n{comment}mod b;\n");
            let declared = declare(&text, "a", "mod a;", None).expect("it is understood");
            assert_eq!(declared, format!("use std::fs;\n\nmod a;\n{comment}mod b;\n"));
        }
    }

    #[test]
    fn without_modules_it_comes_after_the_imports() {
        let declared = declare("use std::fs; // Files.\n#[cfg(test)]\nmod tests;\n", "c", "mod c;", None);
        assert_eq!(
            declared.expect("it is understood"),
            "use std::fs; // Files.\n\nmod c;\n#[cfg(test)]\nmod tests;\n"
        );
    }

    #[test]
    fn a_file_of_another_kind_is_not_understood() {
        for text in ["fn main() {}\n", "mod a;\nfn", "mod a {}\n"] {
            declare(text, "c", "mod c;", None).expect_err(text);
        }
        declare("mod a;\n", "c", "mod c;", Some("pub use c::C;")).expect_err("there is no `pub use`");
    }

    #[test]
    fn what_comes_from_another_crate_is_not_ones_own() {
        let text = "use serde::Serialize;\nuse b::{One, c::Two as Three};\nuse crate::d::Four;\nmod b;\nstruct Five;\n";
        assert_eq!(own(text).expect("it is understood"), ["Five", "b", "One", "Three", "Four"]);
    }

    #[test]
    fn names_that_are_there_are_found_however_they_came() {
        let text = format!("{LIB}struct Struct;\ntype Alias = Struct;\ntrait Trait {{}}\n");
        let own = ["Struct", "Alias", "Trait"];
        assert_eq!(types(&text).expect("it is understood"), own);
        let all: Vec<_> = own.into_iter().chain(["a", "b", "tests", "One", "Three"]).collect();
        assert_eq!(names(&text).expect("it is understood"), all);
    }
}
