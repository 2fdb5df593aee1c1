//! Where a project comes to stand: made beside its place, and moved there whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Error, name::CrateName};

/// The folder that a project will be, and its name.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    pub(crate) name: CrateName,
}

impl Place {
    /// The last part of the path is the name.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().ok_or_else(|| Error::NoFolder { path: path.to_owned() })?;
        let name = CrateName::new(&name.to_string_lossy()).map_err(Error::CrateName)?;
        let folder = std::path::absolute(path).map_err(|error| Error::file("finding", path, error))?;
        // Without a slash at its end, behind which a link would be what it points to.
        let folder = folder.components().collect();
        let place = Self { folder, name };
        place.check()?;
        Ok(place)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Nothing is in the way.
    fn check(&self) -> Result<(), Error> {
        let path = self.folder.clone();
        if path.is_symlink() {
            // Neither is a folder put into its place, nor is it known what becomes of where it points to.
            return Err(Error::Link { path });
        }
        match fs::read_dir(&path) {
            Ok(mut entries) => entries.next().map_or(Ok(()), |_| Err(Error::NotEmpty { path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.check_above(),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                self.check_above()?;
                Err(Error::NotAFolder { path })
            }
            Err(error) => Err(Error::file("reading", path, error)),
        }
    }

    /// What is there of the folders above is a folder.
    fn check_above(&self) -> Result<(), Error> {
        let nearest = self.folder.ancestors().skip(1).find(|path| path.symlink_metadata().is_ok());
        match nearest {
            Some(path) if !path.is_dir() => Err(Error::NotAFolder { path: path.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Has a folder filled, and puts it into its place. Where that fails, the place is as it was before.
    pub(crate) fn fill<T>(&self, fill: impl FnOnce(&Path) -> Result<T, Error>) -> Result<T, Error> {
        // Within the nearest folder that is there, which is on the same disk.
        let existing = self.folder.ancestors().skip(1).find(|folder| folder.is_dir());
        let existing = existing.ok_or_else(|| Error::NoFolder { path: self.folder.clone() })?;
        let workshop = TempDir::with_prefix_in(format!(".{}-", self.name), existing)
            .map_err(|error| Error::file("making a folder in", existing, error))?;
        let draft = workshop.path().join(self.name.as_str());
        fs::create_dir(&draft).map_err(|error| Error::file("making", &draft, error))?;
        let filled = fill(&draft)?;
        self.check()?;
        self.put(&draft, existing)?;
        Ok(filled)
    }

    fn put(&self, draft: &Path, existing: &Path) -> Result<(), Error> {
        let parent = self.folder.parent().unwrap_or(existing);
        let moved = fs::create_dir_all(parent).and_then(|()| {
            if cfg!(windows) && self.folder.is_dir() {
                fs::remove_dir(&self.folder)?;
            }
            fs::rename(draft, &self.folder)
        });
        moved.map_err(|error| {
            // Folders above it that were made for it alone go again; any that is not empty, or was there before, stays.
            for made in parent.ancestors().take_while(|folder| *folder != existing) {
                if fs::remove_dir(made).is_err() {
                    break;
                }
            }
            Error::file("making", &self.folder, error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn place(folder: &Path, path: &str) -> Result<Place, Error> {
        Place::new(&folder.join(path))
    }

    #[test]
    fn what_was_filled_comes_to_its_place_with_the_folders_above() {
        let root = TempDir::new().expect("a folder");
        let place = place(root.path(), "a/b/shop").expect("nothing is in the way");
        place
            .fill(|draft| fs::write(draft.join("file"), "x").map_err(|e| Error::file("writing", draft, e)))
            .expect("filled");
        assert_eq!(names(root.path()), ["a"]);
        assert_eq!(names(&root.path().join("a/b/shop")), ["file"]);
    }

    #[test]
    fn an_empty_folder_is_no_obstacle() {
        let root = TempDir::new().expect("a folder");
        fs::create_dir(root.path().join("shop")).expect("a folder");
        place(root.path(), "shop").expect("it is empty").fill(|_| Ok(())).expect("filled");
        assert_eq!(names(root.path()), ["shop"]);
    }

    #[test]
    fn a_failure_in_the_middle_leaves_nothing() {
        let root = TempDir::new().expect("a folder");
        let place = place(root.path(), "a/shop").expect("nothing is in the way");
        let failed = place.fill(|draft| {
            fs::write(draft.join("file"), "x").expect("written");
            Err::<(), _>(Error::Interrupted)
        });
        assert!(matches!(failed, Err(Error::Interrupted)), "{failed:?}");
        assert_eq!(names(root.path()), [""; 0]);
    }

    #[test]
    fn what_comes_into_the_way_meanwhile_stays_as_it_is() {
        let root = TempDir::new().expect("a folder");
        let place = place(root.path(), "shop").expect("nothing is in the way");
        let failed = place.fill(|_| {
            fs::create_dir(root.path().join("shop")).expect("a folder");
            fs::write(root.path().join("shop/mine"), "x").expect("written");
            Ok(())
        });
        assert!(matches!(failed, Err(Error::NotEmpty { .. })), "{failed:?}");
        assert_eq!(names(root.path()), ["shop"]);
        assert_eq!(names(&root.path().join("shop")), ["mine"]);
    }

    #[test]
    fn a_file_or_a_full_folder_is_refused_before_anything_is_done() {
        let root = TempDir::new().expect("a folder");
        fs::create_dir_all(root.path().join("full/x")).expect("a folder");
        fs::write(root.path().join("file"), "x").expect("written");
        assert!(matches!(place(root.path(), "full"), Err(Error::NotEmpty { .. })));
        assert!(matches!(place(root.path(), "file"), Err(Error::NotAFolder { .. })));
        assert!(matches!(
            place(root.path(), "file/shop"),
            Err(Error::NotAFolder { path }) if path.ends_with("file")
        ));
        assert!(matches!(Place::new(Path::new("..")), Err(Error::NoFolder { .. })));
    }
}
