//! Starts programs as a person at a shell would.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

/// What cargo tells a test of its package. Handed on to another cargo, it would rebuild each crate whose build script watches
/// one of these.
const OWN_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Clippy as the compiler of projects, with the arguments of `cargo clippy -- -W clippy::pedantic -D warnings`: what they are built
/// from is compiled once, not a second time to be checked only. The mark between arguments is its own.
const PEDANTIC: &str =
    "-W__CLIPPY_HACKERY__clippy::pedantic__CLIPPY_HACKERY__-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

/// A program, in a folder, without a network, and with all projects' builds in one place: they share what they are built from.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if OWN_PACKAGE.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", target())
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("CLIPPY_ARGS", PEDANTIC)
        // For the sake of time: nobody debugs these.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
        .stdin(Stdio::null())
        .current_dir(folder);
    command
}

/// The cargo that runs this test.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where projects are built.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects")
}

/// What the program says, which has to end well.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?} ended with {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// `cargo cqrs …` in a folder.
pub(crate) fn cqrs(arguments: &[&str], folder: &Path) -> Command {
    let mut command = command(program(), folder);
    // As cargo starts it.
    command.arg("cqrs").args(arguments);
    command
}

/// `cargo-cqrs`, built with the profile, and in the folder, that this test itself was built in.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = env::current_exe().expect("a test has a path");
        // TARGET/PROFILE/deps/TEST
        let profile = test.ancestors().nth(2).expect("a test is in a folder of its profile");
        let target = profile.parent().expect("profiles are in cargo's folder");
        let name = profile.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        let mut build = command(cargo(), Path::new(env!("CARGO_MANIFEST_DIR")));
        // It is the workspace's own, and built as all of that is.
        for variable in [
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_INCREMENTAL",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_PROFILE_TEST_DEBUG",
        ] {
            build.env_remove(variable);
        }
        build
            .args(["build", "--quiet", "--workspace", "--bin", "cargo-cqrs", "--profile"])
            .arg(if name == "debug" { "dev" } else { &name })
            .arg("--target-dir")
            .arg(target);
        run(&mut build);
        profile.join("cargo-cqrs")
    })
}
