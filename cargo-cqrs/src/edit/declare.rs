//! Names a module in the file that its crate begins with.

use syn::{File, Item, UseTree, Visibility, spanned::Spanned as _};

use super::{Edits, attributes};

/// The file with `mod …;` among its modules, and with `pub use …;` among what it offers, if there is something to offer.
pub(crate) fn declare(text: &str, declaration: &str, offer: Option<&str>) -> Result<String, String> {
    let file = parse(text)?;
    let mut edits = Edits::default();
    let plain = |item: &Item| {
        matches!(item, Item::Mod(module) if module.content.is_none()) && attributes::of_item(item).is_empty()
    };
    let imports = |item: &Item| matches!(item, Item::Use(it) if !matches!(it.vis, Visibility::Public(_)));
    let modules = file.items.iter().rfind(|item| plain(item));
    let after = modules.or_else(|| file.items.iter().rfind(|item| imports(item)));
    let after = after.ok_or("it has neither a `mod` nor a `use` that a `mod` could come after")?;
    let gap = if modules.is_some() { "\n" } else { "\n\n" };
    edits.insert(after.span().byte_range().end, format!("{gap}{declaration}"));
    if let Some(offer) = offer {
        let offers = |item: &Item| matches!(item, Item::Use(it) if matches!(it.vis, Visibility::Public(_)));
        let last = file.items.iter().rfind(|item| offers(item)).ok_or("it has no `pub use`")?;
        edits.insert(last.span().byte_range().end, format!("\n{offer}"));
    }
    Ok(edits.apply(text))
}

/// A module, or something that the file offers, has one of these names already.
pub(crate) fn taken<'n>(text: &str, names: &[&'n str]) -> Result<Option<&'n str>, String> {
    let mut known = Vec::new();
    for item in parse(text)?.items {
        match item {
            Item::Mod(module) => known.push(module.ident.to_string()),
            Item::Use(it) => leaves(&it.tree, &mut known),
            Item::Struct(it) => known.push(it.ident.to_string()),
            Item::Enum(it) => known.push(it.ident.to_string()),
            _ => {}
        }
    }
    Ok(names.iter().copied().find(|name| known.iter().any(|it| it == name)))
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

    const LIB: &str = "//! Docs.\n\nmod a;\n#[allow(missing_docs)]\nmod b;\n\n#[cfg(test)]\nmod tests;\n\npub use a::{One, Two as Three};\n\nfn x() {}\n";

    #[test]
    fn a_module_comes_after_the_last_plain_one_and_what_it_offers_after_the_last_offer() {
        let declared = declare(LIB, "mod c;", Some("pub use c::C;")).expect("it is understood");
        assert!(declared.contains("mod a;\nmod c;\n#[allow"), "{declared}");
        assert!(declared.contains("as Three};\npub use c::C;\n\nfn x"), "{declared}");
    }

    #[test]
    fn without_modules_it_comes_after_the_imports() {
        let declared = declare("use std::fs;\n#[cfg(test)]\nmod tests;\n", "mod c;", None);
        assert_eq!(declared.expect("it is understood"), "use std::fs;\n\nmod c;\n#[cfg(test)]\nmod tests;\n");
    }

    #[test]
    fn a_file_of_another_kind_is_not_understood() {
        for text in ["fn main() {}\n", "mod a;\nfn", "mod a {}\n"] {
            declare(text, "mod c;", None).expect_err(text);
        }
        declare("mod a;\n", "mod c;", Some("pub use c::C;")).expect_err("there is no `pub use`");
    }

    #[test]
    fn names_that_are_there_are_found_however_they_came() {
        for name in ["a", "tests", "One", "Three"] {
            assert_eq!(taken(LIB, &["new", name]).expect("it is understood"), Some(name));
        }
        assert_eq!(taken(LIB, &["Two", "c"]).expect("it is understood"), None);
    }
}
