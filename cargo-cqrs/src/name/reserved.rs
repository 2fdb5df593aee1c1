//! Names that mean something else already.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::{edit, template};

/// Of the language, in use or kept back.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Of the crates that come with the compiler, and of its harness for tests.
const WITH_THE_COMPILER: [&str; 6] = ["alloc", "core", "proc_macro", "std", "test", "panic_abort"];

/// Folders that cargo makes beside the program, or around it.
const BESIDE_THE_PROGRAM: [&str; 6] = ["build", "debug", "deps", "examples", "incremental", "release"];

/// Files that Windows does not take, besides those that have a number.
const OF_WINDOWS: [&str; 4] = ["aux", "con", "nul", "prn"];

/// Types that need no name of a crate before them.
const PRIMITIVE: [&str; 17] = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32",
    "u64", "u8", "usize",
];

/// Types, traits and variants that each module has by itself, and others of the standard library that a program of this kind
/// is likely to name.
const OF_RUST: [&str; 53] = [
    "Arc",
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "BTreeMap",
    "BTreeSet",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Display",
    "DoubleEndedIterator",
    "Drop",
    "Duration",
    "Eq",
    "Err",
    "Error",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "HashMap",
    "HashSet",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Rc",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Vec",
];

/// What tests of a project name of the framework, besides its prelude.
const OF_THE_TESTKIT: [&str; 2] = ["Spec", "ViewSpec"];

fn is_of_windows(name: &str) -> bool {
    let (word, number) = name.split_at(name.len().min(3));
    OF_WINDOWS.contains(&name) || ["com", "lpt"].contains(&word) && matches!(number.as_bytes(), [b'1'..=b'9'])
}

/// Why a module can't be called so, to be put behind its name.
pub(super) fn why_module(name: &str) -> Option<String> {
    if KEYWORDS.contains(&name) {
        Some("is a keyword of Rust".to_owned())
    } else if PRIMITIVE.contains(&name) {
        Some("is a type of Rust".to_owned())
    } else if WITH_THE_COMPILER.contains(&name) {
        Some("is the name of a crate that comes with Rust".to_owned())
    } else if is_of_windows(name) {
        Some("is a name that Windows keeps for itself".to_owned())
    } else {
        None
    }
}

/// Why a type can't be called so, to be put behind the name that it is made of.
pub(super) fn why_type(name: &str) -> Option<String> {
    static FRAMEWORK: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let offered = edit::names(template::workspace("cqrs-core/src/prelude.rs"));
        offered.expect("it has been compiled").into_iter().collect()
    });
    if OF_RUST.contains(&name) {
        Some(format!("makes a type `{name}`, which would hide Rust's own"))
    } else if FRAMEWORK.contains(name) || OF_THE_TESTKIT.contains(&name) {
        Some(format!("makes a type `{name}`, which would hide the framework's"))
    } else {
        None
    }
}

/// Why a crate can't be called so, to be put behind its name.
pub(super) fn why(name: &str) -> Option<String> {
    let ident = name.replace('-', "_");
    if KEYWORDS.contains(&ident.as_str()) {
        Some("is a keyword of Rust".to_owned())
    } else if WITH_THE_COMPILER.contains(&ident.as_str()) {
        Some("is the name of a crate that comes with Rust".to_owned())
    } else if BESIDE_THE_PROGRAM.contains(&name) {
        Some("is the name of a folder that cargo keeps beside programs".to_owned())
    } else if is_of_windows(name) {
        Some("is a name that Windows keeps for itself".to_owned())
    } else {
        dependency(&ident)
            .map(|krate| format!("is the name of a crate that the framework is built with (`{krate}`)"))
    }
}

/// A crate that a project is built from, and that is called so.
fn dependency(ident: &str) -> Option<&'static str> {
    static LOCKED: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let lines = template::workspace("Cargo.lock").split("[[package]]").skip(1);
        let own = |package: &str| !package.contains("\nsource = ");
        let name = |package: &'static str| package.split("name = \"").nth(1)?.split('"').next();
        // Of the workspace itself, projects take what begins with `cqrs`.
        lines.filter_map(|it| name(it).filter(|name| !own(it) || name.starts_with("cqrs"))).collect()
    });
    LOCKED.iter().copied().find(|krate| krate.replace('-', "_") == ident)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_from_the_others() {
        for (name, said) in [
            ("match", "keyword"),
            ("test", "comes with Rust"),
            ("proc-macro", "comes with Rust"),
            ("deps", "cargo keeps"),
            ("debug", "cargo keeps"),
            ("con", "Windows"),
            ("com9", "Windows"),
            ("serde", "the framework is built with (`serde`)"),
            ("serde-json", "(`serde_json`)"),
            ("cqrs-core", "(`cqrs-core`)"),
        ] {
            let why = why(name).unwrap_or_else(|| panic!("{name} is taken"));
            assert!(why.contains(said), "{name}: {why}");
        }
    }

    #[test]
    fn names_of_types_are_kept_by_rust_and_by_the_framework() {
        for (name, said) in [
            ("String", "Rust's"),
            ("Error", "Rust's"),
            ("Event", "the framework's"),
            ("App", "the framework's"),
            ("Uuid", "the framework's"),
            ("ViewSpec", "the framework's"),
        ] {
            let why = why_type(name).unwrap_or_else(|| panic!("{name} is taken"));
            assert!(why.contains(said) && why.contains(name), "{name}: {why}");
        }
        assert_eq!(why_type("Payment"), None);
    }

    #[test]
    fn the_demos_own_crates_are_no_dependencies() {
        for name in ["order-service", "order-events", "xtask", "shop", "com", "com10", "lpt0"] {
            assert_eq!(why(name), None, "{name}");
        }
    }
}
