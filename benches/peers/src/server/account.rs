use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use peers_harness::Failure;

/// PostgreSQL refuses to run as root: the user that it runs as instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Account {
    /// `None` where the owner of `folder`, which this program has just made, will do.
    pub(super) fn instead_of_owner(folder: &Path) -> Result<Option<Self>, Failure> {
        if fs::metadata(folder)?.uid() != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let found = ["postgres", "nobody"].iter().find_map(|name| Self::named(&accounts, name));
        found
            .map(Some)
            .ok_or_else(|| "PostgreSQL can't run as root, and there is no user `postgres` or `nobody`".into())
    }

    /// From the text of `/etc/passwd`.
    fn named(accounts: &str, name: &str) -> Option<Self> {
        let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let account = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
        Some(Self { user: account.get(2)?.parse().ok()?, group: account.get(3)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:1:1::/:/bin/sh\npostgres:x:104:106::/:/bin/sh\n";
        assert_eq!(Account::named(accounts, "postgres"), Some(Account { user: 104, group: 106 }));
        assert_eq!(Account::named(accounts, "nobody"), None);
    }
}
