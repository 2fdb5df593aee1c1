//! `SecantusDB`, which speaks MongoDB's protocol and comes with cargo alone.
//!
//! It is under the GPL: a program for tests, never linked nor shipped. It is built once, into a folder that stays.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    Error, cargo,
    servers::{
        folder::Folder,
        launch::{self, Launch},
        packages,
        server::{Kind, Server},
        user,
        work::Work,
    },
};

const CRATE: &str = "secantus-mdb";
const VERSION: &str = "0.5.3-beta.196";
const PROGRAM: &str = "secantusd-rs";
/// A folder to keep what was built in, instead of the user's own.
const CACHE: &str = "CQRS_XTASK_CACHE";

const ANSWER: Duration = Duration::from_secs(20);
const START: Duration = Duration::from_mins(1);
/// About four minutes on two free cores.
const BUILD: Duration = Duration::from_hours(1);

/// What the workspace's cargo and its caller have set for this project's own builds.
const OTHER_BUILDS: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INSTALL_ROOT",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_BUILD_STD",
    "RUSTFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
];

pub(super) fn start(work: &Work) -> Result<Option<Server>, Error> {
    let program = install(work)?;
    run(&program, work).map(Some)
}

/// Whether a program is this one, not `mongod`.
pub(super) fn is(program: &Path) -> bool {
    program.file_name().is_some_and(|name| name == PROGRAM)
}

/// The program, if it has been built.
pub(super) fn built() -> Option<PathBuf> {
    cache().ok().map(|cache| program(&cache)).filter(|program| program.is_file())
}

fn cache() -> Result<PathBuf, Error> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set(CACHE)
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("cqrs-xtask")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/cqrs-xtask")))
        .ok_or_else(|| format!("there is no home folder: set {CACHE} to a folder that stays"))?;
    Ok(std::path::absolute(folder)?.join(format!("secantus-{VERSION}")))
}

fn program(cache: &Path) -> PathBuf {
    cache.join("bin").join(PROGRAM)
}

fn answers(program: &Path, work: &Work) -> Result<(), Error> {
    let mut command = Command::new(program);
    command.arg("--version");
    let output = work.run(command, ANSWER)?;
    if output.contains(VERSION) {
        Ok(())
    } else {
        Err(format!("{} is not {VERSION}: {}", program.display(), output.trim()).into())
    }
}

/// Builds it, unless that has been done.
fn install(work: &Work) -> Result<PathBuf, Error> {
    let cache = cache()?;
    let program = program(&cache);
    if program.is_file() && answers(&program, work).is_ok() {
        return Ok(program);
    }
    fs::create_dir_all(&cache)?;
    let lock = File::create(cache.join("lock"))?;
    work.say("SecantusDB: another run is building it");
    work.wait(BUILD, || match lock.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    })?;
    if program.is_file() && answers(&program, work).is_ok() {
        return Ok(program);
    }
    work.say("SecantusDB: its build needs cmake");
    let path = path_with_cmake(&cache, work)?;
    work.say(format!("SecantusDB {VERSION}: compile, once, about four minutes"));
    let target = cache.join("target");
    let done = work.run(build(&cache, &target, path), BUILD);
    if !work.given_up() && target.exists() {
        // It is large. After ctrl-c, the next run goes on with it.
        fs::remove_dir_all(&target)?;
    }
    done.map_err(|error| format!("SecantusDB, which takes MongoDB's place, was not built: {error}"))?;
    answers(&program, work)?;
    Ok(program)
}

/// The build, away from this workspace: neither its settings nor its target folder are meant for it.
fn build(cache: &Path, target: &Path, path: Option<OsString>) -> Command {
    let cargo = cargo::cargo(cache);
    // The stages that run meanwhile come first.
    let mut command = Command::new("nice");
    command.args(["-n", "10"]).arg(cargo.get_program()).current_dir(cache);
    for (name, value) in cargo.get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    for name in OTHER_BUILDS {
        command.env_remove(name);
    }
    command.args([
        "install",
        CRATE,
        "--version",
        VERSION,
        "--locked",
        "--ignore-rust-version",
        "--force",
        "--root",
    ]);
    command.arg(cache).arg("--target-dir").arg(target);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command
}

/// A `PATH` that leads to cmake, where that is not the own one.
fn path_with_cmake(cache: &Path, work: &Work) -> Result<Option<OsString>, Error> {
    if cargo::find_program(&["cmake"]).is_some() {
        return Ok(None);
    }
    let mut failures = Vec::new();
    if user::is_root() && cargo::find_program(&["apt-get"]).is_some() {
        match packages::apt("cmake", work) {
            Ok(()) => return Ok(None),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if work.given_up() {
        return Err("interrupted".into());
    }
    match cmake_of_python(cache, work) {
        Ok(Some(path)) => return Ok(Some(path)),
        Ok(None) => {}
        Err(error) => failures.push(error.to_string()),
    }
    failures.push("the build of SecantusDB needs cmake: install it (Debian: apt install cmake)".to_owned());
    Err(failures.join("\n").into())
}

fn cmake_of_python(cache: &Path, work: &Work) -> Result<Option<OsString>, Error> {
    let Some(python) = cargo::find_program(&["python3"]) else { return Ok(None) };
    work.say("pip install cmake");
    let venv = cache.join("cmake");
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(&venv);
    work.run(command, packages::LIMIT)?;
    let mut command = Command::new(venv.join("bin/pip"));
    // From 4 on, it refuses projects that were written for very old versions.
    command.args(["install", "--quiet", "cmake<4"]);
    work.run(command, packages::LIMIT)?;
    let own = env::var_os("PATH").unwrap_or_default();
    Ok(Some(env::join_paths([venv.join("bin")].into_iter().chain(env::split_paths(&own)))?))
}

pub(super) fn run(program: &Path, work: &Work) -> Result<Server, Error> {
    work.say("SecantusDB: start");
    let folder = Folder::create("mongo")?;
    let data = folder.private("data")?;
    // With a file of its own it looks for none of the user's.
    let settings = folder.path().join("secantusd.toml");
    fs::write(&settings, "")?;
    let server = |port: u16| {
        let mut command = Command::new(program);
        command.arg("--config").arg(&settings).arg("--storage-path").arg(&data);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--log-level", "WARNING"]);
        // As MongoDB does it: what is acknowledged is on the disk. The rest keeps it small.
        command.args(["--sync-on-commit", "--cache-size", "512M", "--log-file-max", "32MB"]);
        command
    };
    let launch = Launch { folder: &folder, user: None, limit: START };
    let (guard, port) = launch.start(work, server, |port| Ok(launch::listens(port)))?;
    let url = format!("mongodb://127.0.0.1:{port}/");
    let description = format!("SecantusDB {VERSION}, in place of MongoDB (port {port})");
    Ok(Server::own(Kind::Mongo, url, description, guard, folder).with_program(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_stays_away_from_the_workspace() {
        let command = build(Path::new("/cache"), Path::new("/cache/target"), None);
        assert_eq!(command.get_current_dir(), Some(Path::new("/cache")));
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert!(arguments.windows(2).any(|pair| pair == ["--root", "/cache"]), "{arguments:?}");
        assert!(arguments.windows(2).any(|pair| pair == ["--target-dir", "/cache/target"]), "{arguments:?}");
        for name in OTHER_BUILDS {
            assert!(
                command.get_envs().any(|(variable, value)| variable == name && value.is_none()),
                "{name}"
            );
        }
    }

    #[test]
    fn mongod_and_its_stand_in_are_told_apart_by_name() {
        assert!(is(Path::new("/cache/bin/secantusd-rs")));
        assert!(!is(Path::new("/usr/bin/mongod")));
    }
}
