//! Whatever ends `cargo xtask servers`: no server outlives it, and no folder.
//!
//! The server is a shell script that takes `PostgreSQL`'s place: what is tested is who stops it, not what it does.

#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

const PATIENCE: Duration = Duration::from_mins(1);

const INITDB: &str = "#!/bin/sh\nexit 0\n";

/// Says in its data folder who it is and whose child, and that it is ready.
const POSTGRES: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo 'postgres (PostgreSQL) 13.99 (Made up)'; exit; fi
trap 'kill $!; exit 0' INT
sleep 600 &
echo "$$ $PPID" > "$2/who"
printf '1\n2\n3\n4\n5\n6\n7\nready   \n' > "$2/postmaster.pid"
wait
"#;

const BROKEN: &str = r"#!/bin/sh
case $1 in --version) echo 'postgres (PostgreSQL) 13.99 (Made up)';; *) echo 'FATAL:  no room' >&2; exit 1;; esac
";

/// A folder for temporary files, and one with programs; open to whom root drops to.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, postgres: &str) -> Self {
        let place = Self(env::temp_dir().join(format!("xtask-servers-{name}-{}", std::process::id())));
        for folder in [&place.0, &place.temporary(), &place.programs()] {
            fs::DirBuilder::new().mode(0o755).create(folder).unwrap();
        }
        for (name, script) in [("initdb", INITDB), ("postgres", postgres)] {
            let program = place.programs().join(name);
            fs::write(&program, script).unwrap();
            fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        }
        place
    }

    fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    fn programs(&self) -> PathBuf {
        self.0.join("bin")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(["servers", "postgres"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.env("TMPDIR", self.temporary()).env("CQRS_TEST_POSTGRES_BIN", self.programs());
        command.env_remove("CQRS_TEST_POSTGRES_URL");
        command
    }

    /// Starts it, and returns when the server is ready.
    fn run(&self) -> Running {
        let mut process = self.command().spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "# until ctrl-c"), "{:?}", process.wait_with_output());
        let folder = self.left().pop().unwrap();
        let who = fs::read_to_string(folder.join("data/who")).unwrap();
        let (server, guard) = who.trim().split_once(' ').unwrap();
        Running { process, server: pid(server), guard: pid(guard) }
    }

    fn left(&self) -> Vec<PathBuf> {
        fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

struct Running {
    process: Child,
    server: Pid,
    guard: Pid,
}

impl Running {
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}

fn is_alive(process: Pid) -> bool {
    // One that has ended, and that nobody has asked how, is still a process.
    let state = fs::read_to_string(Path::new("/proc").join(process.as_raw_pid().to_string()).join("stat"));
    test_kill_process(process).is_ok() && !state.is_ok_and(|state| state.contains(") Z "))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not so in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn ctrl_c_stops_the_server_and_removes_its_folder() {
    let place = Place::new("ctrl-c", POSTGRES);
    let mut running = place.run();
    assert!(is_alive(running.server));
    kill_process(pid(&running.process.id().to_string()), Signal::INT).unwrap();
    assert_eq!(running.process.wait().unwrap().code(), Some(130));
    assert!(!is_alive(running.server));
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

#[test]
fn a_kill_stops_the_server_and_removes_its_folder() {
    let place = Place::new("kill", POSTGRES);
    let mut running = place.run();
    running.kill();
    until("the server has ended", || !is_alive(running.server));
    until("its folder is gone", || place.left().is_empty());
}

#[test]
fn a_kill_of_the_guard_stops_the_server_and_removes_its_folder() {
    let place = Place::new("guard-alone", POSTGRES);
    let mut running = place.run();
    kill_process(running.guard, Signal::KILL).unwrap();
    assert_eq!(running.process.wait().unwrap().code(), Some(1));
    assert!(!is_alive(running.server));
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

#[test]
fn after_a_kill_of_the_guard_too_the_next_run_stops_the_server() {
    let place = Place::new("guard", POSTGRES);
    let mut running = place.run();
    // Both at once, as far as they can tell.
    kill_process(pid(&running.process.id().to_string()), Signal::STOP).unwrap();
    kill_process(running.guard, Signal::KILL).unwrap();
    until("the guard has ended", || !is_alive(running.guard));
    running.kill();
    assert!(is_alive(running.server));
    let left = place.left();
    let mut next = place.run();
    assert!(!is_alive(running.server));
    assert!(!place.left().contains(&left[0]));
    next.kill();
    until("its folder is gone", || place.left().is_empty());
}

#[test]
fn a_server_that_does_not_start_has_the_last_word() {
    let place = Place::new("broken", BROKEN);
    let Output { status, stderr, .. } = place.command().output().unwrap();
    assert_eq!(status.code(), Some(1));
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(stderr.contains("postgres: ended too early; its last words:\nFATAL:  no room\n"), "{stderr}");
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}
