//! Installs `PostgreSQL` with the system's packages, without a database of the system's own.

use std::{fs, path::Path, process::Command};

use crate::{
    Error, cargo,
    servers::{packages, user, work::Work},
};

/// Debian makes and starts a database of its own when the package comes, unless it finds this.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/cqrs-xtask.conf";

/// Whether there was a way to try. Without root, only Homebrew installs anything.
pub(super) fn install(work: &Work) -> Result<bool, Error> {
    if user::is_root() {
        if cargo::find_program(&["apt-get"]).is_some() {
            return apt(work).map(|()| true);
        }
        if cargo::find_program(&["dnf"]).is_some() {
            work.say("dnf install postgresql-server");
            let mut command = Command::new("dnf");
            command.args(["install", "--assumeyes", "postgresql-server"]);
            return work.run(command, packages::LIMIT).map(|_| true);
        }
    } else if cargo::find_program(&["brew"]).is_some() {
        return packages::brew("postgresql@17", work).map(|()| true);
    }
    Ok(false)
}

fn apt(work: &Work) -> Result<(), Error> {
    let file = Path::new(NO_CLUSTER);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, "create_main_cluster = false\n")?;
    let installed = packages::apt("postgresql", work);
    fs::remove_file(file)?;
    installed
}
