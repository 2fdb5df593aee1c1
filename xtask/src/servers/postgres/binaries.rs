//! Finds the programs of `PostgreSQL`, also where distributions hide them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::OLDEST;
use crate::{
    Error,
    servers::{server::Kind, version::Version, work::Work},
};

const ANSWER: Duration = Duration::from_secs(20);

/// Folders of folders: those whose name begins as said hold one version each.
const VERSIONED: [(&str, &str, &str); 10] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) version: Version,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join(name))
    }
}

/// Those that the environment names.
pub(super) fn chosen(work: &Work) -> Result<Option<Binaries>, Error> {
    let variable = Kind::Postgres.program_variable();
    let Some(folder) = env::var_os(variable).filter(|value| !value.is_empty()) else { return Ok(None) };
    let binaries = ask(Path::new(&folder), work).map_err(|error| format!("{variable}: {error}"))?;
    Ok(Some(binaries))
}

/// The newest that is installed.
pub(super) fn find(work: &Work) -> Option<Binaries> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(
        VERSIONED.iter().flat_map(|(parent, prefix, rest)| versioned(Path::new(parent), prefix, rest)),
    );
    // One that does not answer is no reason to give up the others.
    newest(complete(folders).iter().filter_map(|folder| ask(folder, work).ok()))
}

fn versioned(parent: &Path, prefix: &str, rest: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let named = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.map(|entry| entry.path().join(rest)).collect()
}

/// Those folders that hold both programs, each once. A link to `postgres` leads to the folder that it is in.
fn complete(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut complete = Vec::new();
    for folder in folders {
        let Ok(postgres) = fs::canonicalize(folder.join("postgres")) else { continue };
        let Some(folder) = postgres.parent() else { continue };
        if folder.join("initdb").is_file() && !complete.iter().any(|known| known == folder) {
            complete.push(folder.to_owned());
        }
    }
    complete
}

fn ask(folder: &Path, work: &Work) -> Result<Binaries, Error> {
    let mut command = Command::new(folder.join("postgres"));
    command.arg("--version");
    let output = work.run(command, ANSWER)?;
    let version = Version::behind("(PostgreSQL) ", &output)
        .ok_or_else(|| format!("{} has no version: {}", folder.display(), output.trim()))?;
    if version.major() < OLDEST {
        return Err(format!("{} holds PostgreSQL {version}, older than {OLDEST}", folder.display()).into());
    }
    Ok(Binaries { folder: folder.to_owned(), version })
}

fn newest(binaries: impl Iterator<Item = Binaries>) -> Option<Binaries> {
    binaries.max_by(|one, other| one.version.cmp(&other.version))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::servers::folder::Folder;

    fn install(folder: &Path, version: &str) {
        fs::create_dir_all(folder).expect("a folder");
        for name in ["postgres", "initdb"] {
            let program = folder.join(name);
            fs::write(&program, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version} (Made up)'\n"))
                .expect("a program");
            fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("it can be run");
        }
    }

    fn best(folders: Vec<PathBuf>) -> Option<String> {
        let found = complete(folders.into_iter());
        let binaries = newest(found.iter().filter_map(|folder| ask(folder, &Work::default()).ok()));
        binaries.map(|binaries| format!("{} {}", binaries.folder.display(), binaries.version))
    }

    #[test]
    fn the_newest_is_chosen_and_what_is_too_old_is_none() {
        let root = Folder::create("test").expect("a folder");
        let root = fs::canonicalize(root.path()).map(|path| (root, path)).expect("it is there");
        for version in ["9.6.24", "12.22", "13.5", "15.18", "15.2"] {
            install(&root.1.join(version).join("bin"), version);
        }
        let folders = versioned(&root.1, "", "bin");
        assert_eq!(best(folders), Some(format!("{}/15.18/bin 15.18", root.1.display())));
        assert_eq!(best(versioned(&root.1, "12", "bin")), None);
    }

    #[test]
    fn a_link_leads_to_all_programs_and_a_lone_one_is_none() {
        let root = Folder::create("test").expect("a folder");
        let real = fs::canonicalize(root.path()).expect("it is there").join("real");
        install(&real, "16.1");
        let links = root.private("links").expect("a folder");
        symlink(real.join("postgres"), links.join("postgres")).expect("a link");
        let expected = Some(format!("{} 16.1", real.display()));
        assert_eq!(best(vec![links.clone(), real.clone()]), expected);
        fs::remove_file(real.join("initdb")).expect("it is there");
        assert_eq!(best(vec![links, real]), None);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        assert_eq!(versioned(Path::new("/nowhere/at/all"), "", "bin"), Vec::<PathBuf>::new());
    }
}
