//! Finds the program under test.
//!
//! Cargo builds programs for the tests of their own package only, so cargo is asked for it here, with the profile and
//! the target folder that this test itself was built in.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// What cargo tells a test of its package. Handed on to another cargo, it would rebuild each crate whose build script watches
/// one of these.
const OWN_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// The order service, built.
pub(crate) fn order_service() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match env::var("NEXTEST_RUN_ID") {
        Ok(run) => built_in_run(&run),
        Err(_) => build(),
    })
}

/// Under nextest each test is a process: the first ones of a run build, the others read what was built.
fn built_in_run(run: &str) -> PathBuf {
    let note = Path::new(env!("CARGO_TARGET_TMPDIR")).join("order-service.built");
    let known = fs::read_to_string(&note).unwrap_or_default();
    if let Some((known, path)) = known.split_once('\n')
        && known == run
        && Path::new(path).is_file()
    {
        return path.into();
    }
    let path = build();
    let own = note.with_extension(std::process::id().to_string());
    fs::write(&own, format!("{run}\n{}", path.display())).expect("cargo's folder for tests can be written");
    fs::rename(&own, &note).expect("a file can be renamed in its folder");
    path
}

fn build() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    // TARGET/PROFILE/deps/TEST
    let [_, _, profile, target] = test.ancestors().collect::<Vec<_>>()[..4] else {
        unreachable!("sliced to four")
    };
    let profile =
        match profile.file_name().and_then(|name| name.to_str()).expect("cargo names profiles in UTF-8") {
            "debug" => "dev",
            profile => profile,
        };
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in env::vars_os() {
        if OWN_PACKAGE.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    // Of the whole workspace, so that dependencies have the features that they are tested with.
    let output = command
        .args([
            "build",
            "--workspace",
            "--bin",
            "order-service",
            "--features",
            "order-service/postgres,order-service/mongodb",
            "--message-format",
            "json",
            "--profile",
            profile,
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the order service does not build: {}", output.status);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "order-service")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it has built")
}
