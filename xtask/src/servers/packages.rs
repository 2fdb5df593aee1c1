//! Package managers of the system.

use std::{process::Command, time::Duration};

use super::work::Work;
use crate::Error;

pub(super) const LIMIT: Duration = Duration::from_mins(15);

/// Installs a package on Debian and its relatives, as root. Where the list of packages is missing or old, it is fetched first.
pub(super) fn apt(package: &str, work: &Work) -> Result<(), Error> {
    let get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["--yes", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        work.say(format!("apt-get {}", arguments.join(" ")));
        work.run(command, LIMIT)
    };
    let install = ["install", package];
    if get(&install).is_err() && !work.given_up() {
        get(&["update"])?;
        get(&install)?;
    }
    if work.given_up() { Err("interrupted".into()) } else { Ok(()) }
}

pub(super) fn brew(package: &str, work: &Work) -> Result<(), Error> {
    work.say(format!("brew install {package}"));
    let mut command = Command::new("brew");
    command.args(["install", package]);
    work.run(command, LIMIT).map(drop)
}
