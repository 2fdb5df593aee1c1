//! Whom a server runs as: `PostgreSQL` refuses to be root.

use std::{
    io,
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::Command,
};

use crate::{Error, cargo};

/// In this order: the first one was made for the purpose.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) group: u32,
}

impl User {
    /// Whom root drops to; `None` where this program is not root, and stays who it is.
    pub(super) fn unprivileged() -> Result<Option<Self>, Error> {
        if !is_root() {
            return Ok(None);
        }
        let user = UNPRIVILEGED.iter().find_map(|name| Self::named(name).ok());
        let missing =
            || format!("PostgreSQL does not run as root, and there is no user {}", UNPRIVILEGED.join(" or "));
        Ok(Some(user.ok_or_else(missing)?))
    }

    fn named(name: &str) -> Result<Self, Error> {
        let ask = |what: &str| -> Result<u32, Error> {
            let mut command = Command::new("id");
            command.args([what, name]);
            Ok(cargo::read(command)?.trim().parse()?)
        };
        Ok(Self { id: ask("-u")?, group: ask("-g")? })
    }

    pub(super) fn run(self, command: &mut Command) {
        command.uid(self.id).gid(self.group);
    }

    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.id), Some(self.group))
    }
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name() {
        assert_eq!(User::named("root").expect("every system has root").id, 0);
        assert!(User::named("no such user").is_err());
    }

    #[test]
    fn root_never_stays_root() {
        let user = User::unprivileged().expect("there is `nobody`");
        assert_eq!(user.is_some(), is_root());
        assert_ne!(user.map(|user| user.id), Some(0));
    }
}
