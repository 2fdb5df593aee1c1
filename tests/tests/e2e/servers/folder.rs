//! Folders of servers, which belong to whom the server runs as.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::user::User;

/// A folder that nobody else can read. It is removed with its handle.
pub(super) fn temporary(user: Option<User>) -> TempDir {
    let folder = TempDir::with_prefix("cqrs-e2e-").expect("the system has a folder for temporary files");
    own(folder.path(), user).expect("a folder of one's own can be given away");
    folder
}

/// Makes a folder in it.
pub(super) fn within(folder: &Path, name: &str, user: Option<User>) -> PathBuf {
    let path = folder.join(name);
    create(&path, user).expect("a folder can be made in a folder of one's own");
    path
}

/// Copies a folder with all that is in it; the copy must not be there yet.
pub(super) fn copy(from: &Path, to: &Path, user: Option<User>) -> io::Result<()> {
    create(to, user)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target, user)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            // What the server must write, it may: its own files say otherwise now and then.
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600))?;
            own(&target, user)?;
        }
    }
    Ok(())
}

fn create(path: &Path, user: Option<User>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    own(path, user)
}

pub(super) fn own(path: &Path, user: Option<User>) -> io::Result<()> {
    user.map_or(Ok(()), |user| user.own(path))
}
