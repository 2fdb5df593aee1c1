//! Where the types of a crate are, and by which path they are reached.

use std::collections::BTreeMap;

use syn::{Item, UseTree, Visibility};

use crate::edit::attributes;

/// From where types are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From another crate: only what is public is there.
    Outside,
    /// From another module of the crate itself.
    Within,
}

/// The path of a module, from where its crate begins.
pub(super) type Path = Vec<String>;

/// The modules of a crate, whether they are files or not.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) from: From,
    all: BTreeMap<Path, Module>,
}

#[derive(Debug, Default)]
struct Module {
    visible: bool,
    /// Types that can be named where the module can.
    types: Vec<String>,
    offers: Vec<Offer>,
}

/// A `use` that others can see.
#[derive(Debug)]
struct Offer {
    path: Path,
    /// `None` for `*`.
    name: Option<String>,
}

impl Modules {
    pub(super) fn new(from: From) -> Self {
        Self { from, all: BTreeMap::new() }
    }

    /// Takes the modules, the types and the imports of one more module, and hands out each of its items, and of those in it.
    pub(super) fn read(&mut self, path: &Path, items: Vec<Item>, mut each: impl FnMut(&Path, Item)) {
        self.items(path, items, &mut each);
    }

    fn items(&mut self, path: &Path, items: Vec<Item>, each: &mut dyn FnMut(&Path, Item)) {
        for item in items {
            if attributes::are_of_tests(attributes::of_item(&item)) {
                continue;
            }
            let at_root = path.is_empty() && self.from == From::Within;
            let is_visible = |from: From, visibility: &Visibility| match visibility {
                Visibility::Public(_) => true,
                Visibility::Restricted(_) => from == From::Within,
                Visibility::Inherited => at_root,
            };
            let from = self.from;
            let module = self.all.entry(path.clone()).or_default();
            match item {
                Item::Mod(it) => {
                    let below: Path = path.iter().cloned().chain([it.ident.to_string()]).collect();
                    self.all.entry(below.clone()).or_default().visible = is_visible(from, &it.vis);
                    let items = it.content.map(|(_, items)| items).unwrap_or_default();
                    self.items(&below, items, each);
                    continue;
                }
                Item::Use(ref it) if is_visible(from, &it.vis) => leaves(&it.tree, &[], &mut module.offers),
                Item::Struct(ref it) if is_visible(from, &it.vis) => module.types.push(it.ident.to_string()),
                Item::Enum(ref it) if is_visible(from, &it.vis) => module.types.push(it.ident.to_string()),
                _ => {}
            }
            each(path, item);
        }
    }

    /// The shortest path to a module where a type can be named that is in another one. `None` where there is none.
    pub(super) fn reach(&self, module: &Path, name: &str) -> Option<Path> {
        let mut visible = true;
        for length in 0..=module.len() {
            let path = module[..length].to_vec();
            visible &= length == 0 || self.all.get(&path).is_some_and(|module| module.visible);
            if visible && self.offers(&path, module, name) {
                return Some(path);
            }
        }
        None
    }

    /// Whether a module has a type that is in it, or in one below it.
    fn offers(&self, path: &Path, module: &Path, name: &str) -> bool {
        let Some(here) = self.all.get(path) else { return false };
        if path == module && here.types.iter().any(|it| it == name) {
            return true;
        }
        here.offers.iter().any(|offer| {
            let mut from = match offer.path.first().map(String::as_str) {
                Some("crate") => Path::new(),
                _ => path.clone(),
            };
            from.extend(
                offer.path.iter().filter(|part| !["crate", "self"].contains(&part.as_str())).cloned(),
            );
            let leads_there = module.starts_with(&from) && from != *path;
            leads_there
                && offer.name.as_ref().map_or_else(|| self.offers(&from, module, name), |it| it == name)
        })
    }

    /// Whether the crate offers something of that name where it begins, wherever it is from.
    pub(super) fn root_offers(&self, name: &str) -> bool {
        let root = self.all.get(&Path::new());
        root.is_some_and(|root| root.offers.iter().any(|offer| offer.name.as_deref() == Some(name)))
    }
}

fn leaves(tree: &UseTree, before: &[String], offers: &mut Vec<Offer>) {
    match tree {
        UseTree::Path(path) => {
            let path_to: Path = before.iter().cloned().chain([path.ident.to_string()]).collect();
            leaves(&path.tree, &path_to, offers);
        }
        UseTree::Name(name) => {
            offers.push(Offer { path: before.to_vec(), name: Some(name.ident.to_string()) });
        }
        UseTree::Glob(_) => offers.push(Offer { path: before.to_vec(), name: None }),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, offers)),
        // By another name, it is looked for by that.
        UseTree::Rename(name) => {
            offers.push(Offer { path: before.to_vec(), name: Some(name.rename.to_string()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(from: From, text: &str) -> Modules {
        let mut modules = Modules::new(from);
        let file = syn::parse_file(text).expect("it is Rust");
        modules.read(&Path::new(), file.items, |_, _| {});
        modules
    }

    fn reached(modules: &Modules, module: &str, name: &str) -> Option<String> {
        let module: Path = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        modules.reach(&module, name).map(|path| path.join("::"))
    }

    const LIB: &str = "
pub struct Here;
mod a { pub struct Named; pub struct Hidden; pub mod b { pub struct Deep; pub struct Deeper; } pub use b::Deep; }
pub mod open { pub struct Open; struct Private; pub(crate) struct Inner; mod closed { pub struct Closed; } }
mod all { pub struct Any; }
pub use a::{Deep, Named};
pub use self::all::*;
#[cfg(test)]
mod tests { pub struct OfTests; }
";

    #[test]
    fn from_outside_only_what_is_public_is_reached() {
        let modules = modules(From::Outside, LIB);
        for (module, name, path) in [
            ("", "Here", Some("")),
            ("a", "Named", Some("")),
            ("a::b", "Deep", Some("")),
            ("all", "Any", Some("")),
            ("open", "Open", Some("open")),
            ("a", "Hidden", None),
            ("a::b", "Deeper", None),
            ("open", "Private", None),
            ("open", "Inner", None),
            ("open::closed", "Closed", None),
            ("tests", "OfTests", None),
        ] {
            assert_eq!(reached(&modules, module, name).as_deref(), path, "{module} {name}");
        }
    }

    #[test]
    fn within_a_crate_its_own_is_reached_too() {
        let modules = modules(From::Within, LIB);
        for (module, name, path) in [
            ("", "Here", Some("")),
            ("a", "Hidden", Some("a")),
            ("a::b", "Deeper", Some("a::b")),
            ("open", "Inner", Some("open")),
            ("open", "Private", None),
            ("open::closed", "Closed", None),
        ] {
            assert_eq!(reached(&modules, module, name).as_deref(), path, "{module} {name}");
        }
    }
}
