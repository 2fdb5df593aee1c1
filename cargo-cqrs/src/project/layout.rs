use std::{
    fs,
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item};

use crate::Error;

/// A project that is there already.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) layout: Layout,
}

/// How it is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Events, domain and views are crates of their own; Rust calls them so.
    Crates { events: String, domain: String, views: String },
    /// All is in one crate, and `src/main.rs` begins it.
    OneFile,
}

impl Project {
    /// The project that a folder is in.
    pub(crate) fn around(folder: &Path) -> Result<Self, Error> {
        for root in folder.ancestors() {
            let path = root.join("Cargo.toml");
            if !path.is_file() {
                continue;
            }
            let manifest = read(&path)?;
            let mark = manifest.get("package").and_then(|package| package.get("metadata")?.get("cqrs"));
            let Some(mark) = mark else { continue };
            let layout = mark.get("layout").and_then(Item::as_str).unwrap_or_default();
            let layout = match layout {
                "crates" => Layout::Crates {
                    events: ident(&root.join("events"))?,
                    domain: ident(&root.join("domain"))?,
                    views: ident(&root.join("views"))?,
                },
                "one-file" => Layout::OneFile,
                other => {
                    let (path, layout) = (path.display().to_string(), other.to_owned());
                    return Err(Error::UnknownLayout { path, layout });
                }
            };
            return Ok(Self { root: root.to_owned(), layout });
        }
        Err(Error::NoProject)
    }

    /// The text of a file in it.
    pub(crate) fn read(&self, path: &str) -> Result<String, Error> {
        fs::read_to_string(self.root.join(path)).map_err(|error| Error::file("reading", path, error))
    }
}

/// What Rust calls the crate in a folder.
fn ident(folder: &Path) -> Result<String, Error> {
    let path = folder.join("Cargo.toml");
    let manifest = read(&path)?;
    let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
    let name = name.ok_or_else(|| bad(&path, "it names no package"))?;
    Ok(name.replace('-', "_"))
}

fn read(path: &Path) -> Result<DocumentMut, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::file("reading", path, error))?;
    text.parse().map_err(|error: toml_edit::TomlError| bad(path, error.message()))
}

fn bad(path: &Path, why: &str) -> Error {
    Error::file("reading", path, std::io::Error::other(why.to_owned()))
}
