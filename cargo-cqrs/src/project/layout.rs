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

    /// Each file of Rust below a folder, by its path, and its text. One that can't be read is none.
    pub(crate) fn rust_below(&self, folder: &str) -> Vec<(String, String)> {
        let paths = self.paths_below(folder).unwrap_or_default();
        let read = |path: String| self.read(&path).ok().map(|text| (path, text));
        paths.into_iter().filter_map(read).collect()
    }

    /// Each file of Rust below the folder of a crate, and the module that it is, by where it stands.
    pub(crate) fn modules_below(
        &self,
        folder: &str,
        root: &str,
    ) -> Result<Vec<(String, Vec<String>)>, Error> {
        let modules = self.paths_below(folder)?.into_iter().map(|path| {
            let within = path[folder.len() + 1..].trim_end_matches(".rs");
            let mut module: Vec<_> = within.split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|last| last == "mod") || format!("{within}.rs") == root {
                module.pop();
            }
            (path, module)
        });
        Ok(modules.collect())
    }

    fn paths_below(&self, folder: &str) -> Result<Vec<String>, Error> {
        let (mut paths, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            let failed = |error| Error::file("reading", &folder, error);
            for entry in fs::read_dir(self.root.join(&folder)).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let path = format!("{folder}/{}", entry.file_name().display());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        Ok(paths)
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
