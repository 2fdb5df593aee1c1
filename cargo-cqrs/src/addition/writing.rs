//! Puts files into their places: all of them, or none. Each is written beside its place first, so that one which can't be written
//! leaves the others, and itself, as they were.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempPath};

use super::Change;
use crate::Error;

pub(super) fn write(root: &Path, changes: &[Change]) -> Result<(), Error> {
    let mut made = Vec::new();
    let drafts: Result<Vec<_>, _> =
        changes.iter().map(|change| Draft::new(root, change, &mut made)).collect();
    let written = drafts.and_then(put);
    if written.is_err() {
        for folder in made {
            // One that somebody else has put something into stays.
            let _: io::Result<()> = fs::remove_dir(folder);
        }
    }
    written
}

/// A file beside its place.
struct Draft {
    place: Place,
    text: NamedTempFile,
}

/// Where a file comes to, and what was there.
struct Place {
    /// Within the project.
    shown: String,
    path: PathBuf,
    /// The file as it was; `None` for a new one.
    before: Option<TempPath>,
}

impl Draft {
    /// The folders that had to be made for it are noted, the innermost first.
    fn new(root: &Path, change: &Change, made: &mut Vec<PathBuf>) -> Result<Self, Error> {
        Self::at(&root.join(&change.path), change, made)
            .map_err(|error| Error::file("writing", &change.path, error))
    }

    fn at(path: &Path, change: &Change, made: &mut Vec<PathBuf>) -> io::Result<Self> {
        // Behind a link is the file that changes; the link stays.
        let path = if change.is_new() { path.to_owned() } else { path.canonicalize()? };
        if let Some(old) = &change.old
            && fs::read(&path)? != old.as_bytes()
        {
            return Err(io::Error::other("somebody has changed it meanwhile: try again"));
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from(io::ErrorKind::InvalidFilename));
        };
        let missing: Vec<_> = folder.ancestors().take_while(|it| !it.exists()).map(Path::to_owned).collect();
        made.extend(missing);
        fs::create_dir_all(folder)?;
        let prefix = format!(".{}-", name.display());
        let mut builder = Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut text = builder.tempfile_in(folder)?;
        text.write_all(change.new.as_bytes())?;
        let mut before = None;
        if !change.is_new() {
            // Nobody replaces what they may not write.
            dress(text.as_file(), &OpenOptions::new().write(true).open(&path)?)?;
            let keep = |at: &Path| fs::hard_link(&path, at).or_else(|_| fs::copy(&path, at).map(drop));
            before = Some(builder.make_in(folder, keep)?.into_temp_path());
        }
        text.as_file().sync_data()?;
        Ok(Self { place: Place { shown: change.path.clone(), path, before }, text })
    }
}

/// Gives a file the owner and the permissions of another one.
fn dress(file: &File, like: &File) -> io::Result<()> {
    let like = like.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        // Only the superuser may do that, and whoever else writes to a file of others becomes its owner.
        let _: io::Result<()> = fchown(file, Some(like.uid()), Some(like.gid()));
    }
    file.set_permissions(like.permissions())
}

/// Renames them all. Where one can't be, those before it are as they were, or the error names them.
fn put(drafts: Vec<Draft>) -> Result<(), Error> {
    let mut done: Vec<Place> = Vec::new();
    for Draft { place, text } in drafts {
        let put = match place.before {
            Some(_) => text.persist(&place.path),
            None => text.persist_noclobber(&place.path),
        };
        if let Err(failed) = put {
            let left: Vec<_> = done.into_iter().rev().filter_map(Place::restore).collect();
            return Err(if left.is_empty() {
                Error::file("writing", place.shown, failed.error)
            } else {
                Error::HalfWritten { path: place.shown, left, source: failed.error }
            });
        }
        done.push(place);
    }
    Ok(())
}

impl Place {
    /// Puts the file back that was there before. Where that can't be done, it says what is left.
    fn restore(self) -> Option<String> {
        let Self { shown, path, before } = self;
        let Some(before) = before else {
            return fs::remove_file(path).err().map(|error| format!("`{shown}` is new ({error})"));
        };
        let failed = before.persist(&path).err()?;
        let was = match failed.path.keep() {
            Ok(kept) => format!("as it was in `{}`", kept.display()),
            Err(_) => "not as it was".to_owned(),
        };
        Some(format!("`{shown}` is {was} ({})", failed.error))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// Two files that change, and a new one in a new folder.
    fn project() -> (TempDir, Vec<Change>) {
        let root = TempDir::new().expect("a folder");
        let change = |path: &str, old: Option<&str>| {
            if let Some(old) = old {
                fs::write(root.path().join(path), old).expect("written");
            }
            let (path, old) = (path.to_owned(), old.map(str::to_owned));
            Change { path, old, new: "new".to_owned(), addition: String::new() }
        };
        let changes = vec![change("a", Some("old a")), change("b/c/new", None), change("d", Some("old d"))];
        (root, changes)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder is there");
        let mut names: Vec<_> =
            entries.map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn text(root: &TempDir, path: &str) -> String {
        fs::read_to_string(root.path().join(path)).expect("it is there")
    }

    #[test]
    fn all_files_come_to_their_places_and_nothing_stays_beside_them() {
        let (root, changes) = project();
        write(root.path(), &changes).expect("all can be written");
        assert_eq!(["a", "b/c/new", "d"].map(|path| text(&root, path)), ["new"; 3]);
        assert_eq!(names(root.path()), ["a", "b", "d"]);
        assert_eq!(names(&root.path().join("b/c")), ["new"]);
    }

    #[test]
    fn a_file_that_is_gone_before_anything_is_written_leaves_all_as_it_was() {
        let (root, changes) = project();
        fs::remove_file(root.path().join("d")).expect("it was there");
        let error = write(root.path(), &changes).expect_err("there is nothing to change");
        assert_eq!(error.to_string(), "writing `d` failed");
        assert_eq!((text(&root, "a").as_str(), names(root.path())), ("old a", vec!["a".to_owned()]));
    }

    fn drafts(root: &TempDir, changes: &[Change]) -> Vec<Draft> {
        let drafts = changes.iter().map(|change| Draft::new(root.path(), change, &mut Vec::new()));
        drafts.collect::<Result<_, _>>().expect("all can be written")
    }

    #[test]
    fn what_fails_in_the_middle_is_undone() {
        let (root, changes) = project();
        let drafts = drafts(&root, &changes);
        fs::remove_file(root.path().join("d")).expect("it was there");
        fs::create_dir(root.path().join("d")).expect("nothing is in the way");
        let error = put(drafts).expect_err("a folder is in the way");
        assert_eq!(error.to_string(), "writing `d` failed");
        assert_eq!(text(&root, "a"), "old a");
        assert_eq!(names(&root.path().join("b/c")), [""; 0]);
        assert_eq!(names(root.path()), ["a", "b", "d"]);
    }

    #[test]
    fn what_can_not_be_undone_is_named() {
        let (root, changes) = project();
        let drafts = drafts(&root, &changes);
        let before = drafts[0].place.before.as_ref().expect("it was there before");
        fs::remove_file(before).expect("it is beside its place");
        fs::write(root.path().join("b/c/new"), "somebody else's").expect("written");
        let error = put(drafts).expect_err("a file is in the way");
        assert!(matches!(&error, Error::HalfWritten { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.starts_with("writing `b/c/new` failed") && said.contains("`a` is"), "{said}");
        assert_eq!(text(&root, "b/c/new"), "somebody else's");
    }
}
