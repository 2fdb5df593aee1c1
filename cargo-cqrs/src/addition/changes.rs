use std::{fs, path::Path};

use crate::{Error, edit::NotUnderstood, format, project::Project};

/// What becomes of one file.
#[derive(Debug)]
pub(crate) struct Change {
    /// Within the project.
    pub(crate) path: String,
    /// `None` for a new file.
    old: Option<String>,
    new: String,
    /// What is new in it, as a person would add it.
    addition: String,
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
        if project.root.join(&path).exists() {
            return Err(Error::Exists { what: "such a module".to_owned(), path });
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
    ) -> Result<(), Error> {
        let old = project.read(path)?;
        let new = match edit(&old) {
            // What nobody has formatted before is not formatted now.
            Ok(new) if format::text(&project.root, &old).is_ok_and(|formatted| formatted == old) => {
                self.formatted(project, new)
            }
            Ok(new) => new,
            Err(why) => {
                self.refused.get_or_insert((path.to_owned(), why));
                old.clone()
            }
        };
        let addition = addition.to_owned();
        self.all.push(Change { path: path.to_owned(), old: Some(old), new, addition });
        Ok(())
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
        for (index, change) in changes.iter().enumerate() {
            let path = root.join(&change.path);
            let written = match path.parent() {
                Some(folder) if change.is_new() => fs::create_dir_all(folder),
                _ => Ok(()),
            };
            if let Err(error) = written.and_then(|()| fs::write(&path, &change.new)) {
                undo(root, &changes[..=index]);
                return Err(Error::file("writing", &change.path, error));
            }
        }
        Ok(changes)
    }
}

/// The error that led to it is told; one on the way back would hide it.
fn undo(root: &Path, changes: &[Change]) {
    for change in changes {
        let path = root.join(&change.path);
        let _: std::io::Result<()> = match &change.old {
            Some(old) => fs::write(path, old),
            None => fs::remove_file(path),
        };
    }
}
