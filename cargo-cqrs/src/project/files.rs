use std::{collections::BTreeMap, fs, path::Path};

use crate::{Error, interrupt::Interrupt};

/// Texts, by their paths in a project.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    pub(crate) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), text.into());
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Writes them into a folder.
    pub(crate) fn write(&self, folder: &Path, interrupt: &Interrupt) -> Result<(), Error> {
        for (path, text) in &self.0 {
            interrupt.check()?;
            let file = folder.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(|error| Error::file("making", parent, error))?;
            }
            fs::write(&file, text).map_err(|error| Error::file("writing", &file, error))?;
        }
        Ok(())
    }
}
