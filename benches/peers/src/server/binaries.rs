use std::{
    env, fs,
    path::{Path, PathBuf},
};

use peers_harness::Failure;

/// Folders that hold a folder for each version of PostgreSQL, with the programs in its `bin`.
const VERSIONED: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

/// The folder with `postgres`, `initdb` and `pg_ctl`: on the path, else the newest of those where distributions keep them.
pub(super) fn find() -> Result<PathBuf, Failure> {
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    find_in(on_path, &VERSIONED.map(Path::new)).ok_or_else(|| {
        "found no `postgres` and `initdb`; install PostgreSQL, or give a server with --postgres URL".into()
    })
}

fn find_in(on_path: Vec<PathBuf>, versioned: &[&Path]) -> Option<PathBuf> {
    on_path.into_iter().find(|folder| complete(folder)).or_else(|| {
        let mut found: Vec<_> = versioned
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| {
                let folder = entry.ok()?.path();
                Some((version(&folder)?, folder.join("bin")))
            })
            .filter(|(_, folder)| complete(folder))
            .collect();
        found.sort();
        Some(found.pop()?.1)
    })
}

/// `15` of `/usr/lib/postgresql/15` and of `/opt/homebrew/opt/postgresql@15`.
fn version(folder: &Path) -> Option<u32> {
    let name = folder.file_name()?.to_str()?;
    name.strip_prefix("postgresql@").unwrap_or(name).parse().ok()
}

fn complete(folder: &Path) -> bool {
    ["postgres", "initdb", "pg_ctl"].iter().all(|program| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path) {
        fs::create_dir_all(folder).expect("the folder is temporary");
        for program in ["postgres", "initdb", "pg_ctl"] {
            fs::write(folder.join(program), "").expect("the folder is temporary");
        }
    }

    #[test]
    fn the_newest_version_is_taken_by_its_number() {
        let root = tempfile::tempdir().expect("a temporary folder");
        install(&root.path().join("9/bin"));
        install(&root.path().join("16/bin"));
        fs::create_dir_all(root.path().join("17/bin")).expect("the folder is temporary");
        let found = find_in(Vec::new(), &[root.path()]);
        assert_eq!(found, Some(root.path().join("16/bin")));
    }

    #[test]
    fn what_is_on_the_path_comes_first() {
        let root = tempfile::tempdir().expect("a temporary folder");
        install(&root.path().join("16/bin"));
        install(&root.path().join("own"));
        let on_path = vec![root.path().to_owned(), root.path().join("own")];
        assert_eq!(find_in(on_path, &[root.path()]), Some(root.path().join("own")));
    }
}
