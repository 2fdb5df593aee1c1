use std::{fs, path::Path};

use super::writing;
use crate::{Error, edit::NotUnderstood, format, project::Project};

/// What becomes of one file.
#[derive(Debug)]
pub(crate) struct Change {
    /// Within the project.
    pub(crate) path: String,
    /// `None` for a new file.
    pub(super) old: Option<String>,
    pub(super) new: String,
    /// What is new in it, as a person would add it.
    pub(super) addition: String,
}

/// What becomes of some files, all of them or none.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    all: Vec<Change>,
    /// The first file that is not as expected, and why.
    refused: Option<(String, String)>,
    /// Why a file is not formatted.
    pub(crate) note: Option<String>,
}

impl Change {
    pub(crate) fn is_new(&self) -> bool {
        self.old.is_none()
    }
}

impl Changes {
    /// A new file.
    pub(crate) fn add(&mut self, project: &Project, path: String, text: String) -> Result<(), Error> {
        // A module may be in a folder, and so may a test.
        let folder = path.trim_end_matches(".rs");
        let others = ["mod.rs", "main.rs"].map(|file| format!("{folder}/{file}"));
        let is_there = |path: &&String| project.root.join(path).symlink_metadata().is_ok();
        if let Some(path) = [&path].into_iter().chain(&others).find(is_there) {
            return Err(Error::Exists { what: "such a module".to_owned(), path: path.clone() });
        }
        let new = self.formatted(project, text);
        self.all.push(Change { path, old: None, addition: new.clone(), new });
        Ok(())
    }

    /// A change of a file that is there. Where the edit does not understand it, the file stays, and so do all others.
    pub(crate) fn edit(
        &mut self,
        project: &Project,
        path: &str,
        addition: &str,
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) {
        let mut change = Change {
            path: path.to_owned(),
            old: Some(String::new()),
            new: String::new(),
            addition: addition.to_owned(),
        };
        match self.edited(project, path, edit) {
            Ok((old, new)) => (change.old, change.new) = (Some(old), new),
            Err(why) => self.refuse(path, why),
        }
        self.all.push(change);
    }

    /// A file, and what becomes of it.
    fn edited(
        &mut self,
        project: &Project,
        path: &str,
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<(String, String), String> {
        let old = read(project, path)?;
        let (text, dress) = Dress::take_off(&old);
        // What nobody has formatted before is not formatted now.
        let was_formatted = format::text(&project.root, &text).is_ok_and(|formatted| formatted == text);
        let mut new = edit(&text)?;
        if was_formatted {
            new = self.formatted(project, new);
        }
        Ok((old, dress.put_on(new)))
    }

    /// A file that changes are made of. Where it can't be read, nothing is changed.
    pub(crate) fn read(&mut self, project: &Project, path: &str) -> Option<String> {
        match read(project, path) {
            Ok(text) => Some(text),
            Err(why) => {
                self.refuse(path, why);
                None
            }
        }
    }

    /// A file is not as expected, so nothing is changed.
    pub(crate) fn refuse(&mut self, path: &str, why: String) {
        self.refused.get_or_insert((path.to_owned(), why));
    }

    fn formatted(&mut self, project: &Project, text: String) -> String {
        match format::text(&project.root, &text) {
            Ok(formatted) => formatted,
            Err(why) => {
                self.note.get_or_insert(format!("what is new is not formatted: {why}"));
                text
            }
        }
    }

    /// Writes them. Where one can't be written, those before it are as they were.
    pub(crate) fn write(self, root: &Path) -> Result<Vec<Change>, Error> {
        let Self { all: changes, refused, .. } = self;
        if let Some((file, why)) = refused {
            let additions = changes.into_iter().map(|change| (change.path, change.addition)).collect();
            return Err(Error::NotUnderstood(Box::new(NotUnderstood { file, why, additions })));
        }
        writing::write(root, &changes)?;
        Ok(changes)
    }
}

fn read(project: &Project, path: &str) -> Result<String, String> {
    fs::read_to_string(project.root.join(path)).map_err(|error| format!("it can't be read: {error}"))
}

/// How a file is written that is none of its text: by some editors on Windows.
#[derive(Clone, Copy, Debug)]
struct Dress {
    byte_order_mark: bool,
    carriage_returns: bool,
}

impl Dress {
    /// The text without. Where only some lines end with a carriage return, it is a part of the text.
    fn take_off(text: &str) -> (String, Self) {
        let plain = text.strip_prefix('\u{feff}');
        let (byte_order_mark, plain) = (plain.is_some(), plain.unwrap_or(text));
        let ends = plain.matches("\r\n").count();
        let carriage_returns = ends > 0 && ends == plain.matches('\n').count();
        let plain = if carriage_returns { plain.replace("\r\n", "\n") } else { plain.to_owned() };
        (plain, Self { byte_order_mark, carriage_returns })
    }

    fn put_on(self, text: String) -> String {
        let text = if self.carriage_returns { text.replace('\n', "\r\n") } else { text };
        if self.byte_order_mark { format!("\u{feff}{text}") } else { text }
    }
}
