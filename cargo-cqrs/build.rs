//! Takes the demo into the program, as the template of new projects: see docs/adr/0021-the-demo-is-the-template.md.

use std::{
    env, error, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What a project gets of the demo. Its other tests are about the framework.
const DEMO: [&str; 7] =
    ["Cargo.toml", "Dockerfile", "src", "tests/end_to_end.rs", "domain", "events", "views"];

/// What a project gets of the workspace around it, or has to know of it.
const WORKSPACE: [&str; 13] = [
    "Cargo.toml",
    "Cargo.lock",
    "clippy.toml",
    "compose.yaml",
    "rustfmt.toml",
    // Not given to projects: its names are kept from theirs.
    "cqrs-core/src/prelude.rs",
    // Nor these: they say what the framework is built from.
    "cqrs-axum/Cargo.toml",
    "cqrs-core/Cargo.toml",
    "cqrs-macros/Cargo.toml",
    "cqrs-mongo/Cargo.toml",
    "cqrs-postgres/Cargo.toml",
    "cqrs-sqlite/Cargo.toml",
    "cqrs-testkit/Cargo.toml",
];

fn main() -> Result<(), Box<dyn error::Error>> {
    let own = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = own.parent().ok_or("the crate is in no workspace")?.canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("embedded.rs");
    let mut out = fs::File::create(out)?;
    writeln!(out, "pub(crate) const CHECKOUT: &str = {:?};", root.to_str().ok_or("the path is no UTF-8")?)?;
    embed(&mut out, "DEMO", &root.join("examples/order-service"), &DEMO)?;
    embed(&mut out, "WORKSPACE", &root, &WORKSPACE)?;
    Ok(())
}

/// Writes a constant of paths and texts.
fn embed(
    out: &mut fs::File,
    constant: &str,
    folder: &Path,
    names: &[&str],
) -> Result<(), Box<dyn error::Error>> {
    let mut files = Vec::new();
    for name in names {
        println!("cargo::rerun-if-changed={}", folder.join(name).display());
        collect(&folder.join(name), &mut files)?;
    }
    writeln!(out, "pub(crate) const {constant}: &[(&str, &str)] = &[")?;
    for file in files {
        let name = file.strip_prefix(folder)?.to_str().ok_or("a path is no UTF-8")?;
        writeln!(out, "    ({name:?}, include_str!({:?})),", file.to_str().ok_or("a path is no UTF-8")?)?;
    }
    writeln!(out, "];")?;
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn error::Error>> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut entries = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    entries.sort();
    for entry in entries {
        collect(&entry, files)?;
    }
    Ok(())
}
