//! What the macros accept, and what they say of what they don't.
#![allow(missing_docs)]

#[test]
fn each_mistake_gets_its_message() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[test]
fn what_should_compile_does() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
