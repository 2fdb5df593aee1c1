//! New data of PostgreSQL, made once and copied for each test: `initdb` takes a second.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{folder, user::User, variable};

/// The password of the user `postgres` in each copy: whoever else is on the machine can connect, too.
const PASSWORD: &str = "password";

/// Copies the template, and returns the password.
pub(super) fn instantiate(data: &Path, user: Option<User>) -> String {
    let template = template();
    folder::copy(&template.join("data"), data, user).expect("a template can be copied");
    fs::read_to_string(template.join(PASSWORD)).expect("a template has a password")
}

/// In cargo's folder for tests, by the server's version.
fn template() -> PathBuf {
    let output = Command::new(variable::postgres_programs().join("postgres"))
        .arg("--version")
        .output()
        .unwrap_or_else(|error| {
            panic!("{}: {error}", variable::postgres_programs().join("postgres").display())
        });
    let version = String::from_utf8_lossy(&output.stdout);
    let version: String =
        version.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let template =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("template-{}", version.trim_matches('-')));
    if !template.is_dir() {
        make(&template);
    }
    template
}

/// Makes it beside its place, and moves it there: where several tests do so at once, one of them is first.
fn make(template: &Path) {
    let user = User::unprivileged();
    let workshop = folder::temporary(user);
    let (data, password) = (workshop.path().join("data"), workshop.path().join(PASSWORD));
    fs::write(&password, format!("{:032x}", fastrand::u128(..))).expect("a file can be written");
    folder::own(&password, user).expect("a file can be given away");
    let mut command = Command::new(variable::postgres_programs().join("initdb"));
    command.current_dir(workshop.path()).arg("-D").arg(&data).arg("--pwfile").arg(&password).args([
        "--username=postgres",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--wal-segsize=1",
        "--no-sync",
    ]);
    if let Some(user) = user {
        user.run(&mut command);
    }
    let output = command.output().unwrap_or_else(|error| panic!("initdb: {error}"));
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));

    // A test may start two servers at the same time, so the process is not enough of a name.
    let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
    let copy = beside.path().join("template");
    folder::copy(workshop.path(), &copy, None).expect("a folder can be copied");
    if let Err(error) = fs::rename(&copy, template) {
        assert!(template.is_dir(), "{}: {error}", template.display());
    }
}
