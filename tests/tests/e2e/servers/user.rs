//! Whom a server runs as: PostgreSQL refuses to be root.

use std::{
    io,
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::Command,
    sync::OnceLock,
};

/// In this order: the first one was made for the purpose.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    id: u32,
    group: u32,
}

impl User {
    /// Whom root drops to; `None` where this program is not root, and stays who it is.
    pub(super) fn unprivileged() -> Option<Self> {
        static USER: OnceLock<Option<User>> = OnceLock::new();
        *USER.get_or_init(|| {
            if !rustix::process::geteuid().is_root() {
                return None;
            }
            let user = UNPRIVILEGED.iter().find_map(|name| Self::named(name));
            Some(user.unwrap_or_else(|| {
                panic!("PostgreSQL does not run as root, and there is no user {}", UNPRIVILEGED.join(" or "))
            }))
        })
    }

    fn named(name: &str) -> Option<Self> {
        let ask = |what: &str| {
            let output = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { id: ask("-u")?, group: ask("-g")? })
    }

    pub(super) fn run(self, command: &mut Command) {
        command.uid(self.id).gid(self.group);
    }

    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.id), Some(self.group))
    }
}
