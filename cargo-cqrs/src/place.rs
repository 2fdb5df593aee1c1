//! Where a project comes to stand: made beside its place, and moved there whole.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
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
        let folder = without_ways_back(&folder);
        let place = Self { folder, name };
        place.check(None)?;
        Ok(place)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Nothing is in the way, but for a folder of its own.
    fn check(&self, own: Option<&Path>) -> Result<(), Error> {
        let path = self.folder.clone();
        if path.is_symlink() {
            // Neither is a folder put into its place, nor is it known what becomes of where it points to.
            return Err(Error::Link { path });
        }
        match fs::read_dir(&path) {
            Ok(mut entries) => {
                let is_own = |entry: &io::Result<fs::DirEntry>| {
                    entry.as_ref().is_ok_and(|entry| Some(entry.path().as_path()) == own)
                };
                entries.find(|entry| !is_own(entry)).map_or(Ok(()), |_| Err(Error::NotEmpty { path }))
            }
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
        // Within the nearest folder that is there, which is on the same disk, and for whoever may write here to write.
        let existing = self.folder.ancestors().find(|folder| folder.is_dir());
        let existing = existing.ok_or_else(|| Error::NoFolder { path: self.folder.clone() })?;
        let workshop = TempDir::with_prefix_in(format!(".{}-", self.name), existing)
            .map_err(|error| Error::file("making a folder in", existing, error))?;
        let draft = workshop.path().join(self.name.as_str());
        fs::create_dir(&draft).map_err(|error| Error::file("making", &draft, error))?;
        let filled = fill(&draft)?;
        self.check(Some(workshop.path()))?;
        self.put(&draft, existing)?;
        Ok(filled)
    }

    fn put(&self, draft: &Path, existing: &Path) -> Result<(), Error> {
        if self.folder.is_dir() {
            // It stays the folder that it is: somebody may be in it.
            return pour(draft, &self.folder).map_err(|error| Error::file("making", &self.folder, error));
        }
        let parent = self.folder.parent().unwrap_or(existing);
        let moved = fs::create_dir_all(parent).and_then(|()| fs::rename(draft, &self.folder));
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

/// The path without `..`. What is there may be a link, and is where it leads to; what is not there yet is no link.
fn without_ways_back(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            whole = whole.canonicalize().unwrap_or(whole);
            whole.pop();
        } else {
            whole.push(component);
        }
    }
    whole
}

/// Moves what is in a folder into another one. Where that fails, the other one is as it was.
fn pour(from: &Path, into: &Path) -> io::Result<()> {
    let entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
    for (index, entry) in entries.iter().enumerate() {
        if let Err(error) = fs::rename(entry.path(), into.join(entry.file_name())) {
            for moved in &entries[..index] {
                // The error that led to it is told; one on the way back would hide it.
                let _: io::Result<()> = fs::rename(into.join(moved.file_name()), moved.path());
            }
            return Err(error);
        }
    }
    Ok(())
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

    #[cfg(unix)]
    #[test]
    fn an_empty_folder_stays_the_one_that_it_was() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let root = TempDir::new().expect("a folder");
        let folder = root.path().join("shop");
        fs::create_dir(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("it is ours");
        let before = fs::metadata(&folder).expect("it is there");
        let fill = |draft: &Path| {
            fs::create_dir(draft.join("src")).expect("a folder");
            fs::write(draft.join("src/file"), "x").expect("written");
            fs::write(draft.join(".hidden"), "x").expect("written");
            Ok(())
        };
        place(root.path(), "shop").expect("it is empty").fill(fill).expect("filled");
        let after = fs::metadata(&folder).expect("it is there");
        assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
        assert_eq!(names(&folder), [".hidden", "src"]);
        assert_eq!(names(&folder.join("src")), ["file"]);
        assert_eq!(names(root.path()), ["shop"]);
    }

    #[test]
    fn a_way_back_makes_no_folder() {
        let root = TempDir::new().expect("a folder");
        fs::create_dir(root.path().join("there")).expect("a folder");
        for (path, folder) in [("foo/../bar", "bar"), ("there/../baz", "baz"), ("a/b/../../c/shop", "c/shop")]
        {
            place(root.path(), path).expect("nothing is in the way").fill(|_| Ok(())).expect("filled");
            assert!(root.path().join(folder).is_dir(), "{folder}");
        }
        assert_eq!(names(root.path()), ["bar", "baz", "c", "there"]);
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
