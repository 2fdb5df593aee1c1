//! Names that mean something else already.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::template;

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

/// Folders that cargo makes beside the program.
const BESIDE_THE_PROGRAM: [&str; 4] = ["build", "deps", "examples", "incremental"];

/// Files that Windows does not take.
const OF_WINDOWS: [&str; 6] = ["aux", "con", "nul", "prn", "com1", "lpt1"];

pub(super) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

/// Why a crate can't be called so, to be put behind its name.
pub(super) fn why(name: &str) -> Option<String> {
    let ident = name.replace('-', "_");
    if is_keyword(&ident) {
        Some("is a keyword of Rust".to_owned())
    } else if WITH_THE_COMPILER.contains(&ident.as_str()) {
        Some("is the name of a crate that comes with Rust".to_owned())
    } else if BESIDE_THE_PROGRAM.contains(&name) {
        Some("is the name of a folder that cargo keeps beside programs".to_owned())
    } else if OF_WINDOWS.contains(&name) {
        Some("is a name that Windows keeps for itself".to_owned())
    } else {
        dependency(&ident).map(|krate| format!("is the name of a crate that the project needs (`{krate}`)"))
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
            ("con", "Windows"),
            ("serde", "the project needs (`serde`)"),
            ("serde-json", "(`serde_json`)"),
            ("cqrs-core", "(`cqrs-core`)"),
        ] {
            let why = why(name).unwrap_or_else(|| panic!("{name} is taken"));
            assert!(why.contains(said), "{name}: {why}");
        }
    }

    #[test]
    fn the_demos_own_crates_are_no_dependencies() {
        for name in ["order-service", "order-events", "xtask", "shop"] {
            assert_eq!(why(name), None, "{name}");
        }
    }
}
