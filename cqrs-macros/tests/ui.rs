//! What the macros accept, and what they say of what they don't.
#![allow(missing_docs)]

use std::{env, process::Command};

/// Flags that change how a compiler shows paths would change the messages, so these tests run without any of their
/// own: in a child process, as a process can't change its own environment safely.
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

fn in_plain_environment(test: &str, run: impl FnOnce(&trybuild::TestCases)) {
    if env::var_os(FLAGS).is_some_and(|flags| flags.is_empty()) {
        run(&trybuild::TestCases::new());
        return;
    }
    let status = Command::new(env::current_exe().expect("a running test has an executable"))
        .args([test, "--exact", "--nocapture"])
        .env(FLAGS, "")
        .env_remove("RUSTFLAGS")
        .status()
        .expect("the test's own executable runs");
    assert!(status.success(), "{test} failed in its child process, see above");
}

#[test]
fn each_mistake_gets_its_message() {
    in_plain_environment("each_mistake_gets_its_message", |cases| cases.compile_fail("tests/ui/fail/*.rs"));
}

#[test]
fn what_should_compile_does() {
    in_plain_environment("what_should_compile_does", |cases| cases.pass("tests/ui/pass/*.rs"));
}
