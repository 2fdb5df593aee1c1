use std::{
    collections::BTreeSet,
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

    /// The crates that its own crates are built from, as Rust calls them.
    pub(crate) fn dependencies(&self) -> Result<BTreeSet<String>, Error> {
        let folders: &[&str] = match self.layout {
            Layout::Crates { .. } => &["", "events", "domain", "views"],
            Layout::OneFile => &[""],
        };
        let mut names = BTreeSet::new();
        for folder in folders {
            let manifest = read(&self.root.join(folder).join("Cargo.toml"))?;
            for kind in ["dependencies", "dev-dependencies"] {
                let table = manifest.get(kind).and_then(Item::as_table_like);
                let keys = table.into_iter().flat_map(|table| table.iter());
                names.extend(keys.map(|(name, _)| name.replace('-', "_")));
            }
        }
        Ok(names)
    }

    /// The text of each file of Rust below a folder. One that can't be read is none.
    pub(crate) fn rust_below(&self, folder: &str) -> Vec<String> {
        let (mut texts, mut folders) = (Vec::new(), vec![self.root.join(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    texts.extend(fs::read_to_string(path));
                }
            }
        }
        texts
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
