//! The program under test: of the project that this thread has made.

use std::{cell::RefCell, path::Path};

thread_local! {
    static PROGRAM: RefCell<Option<&'static Path>> = const { RefCell::new(None) };
}

/// Has the checks run on a program.
pub(crate) fn choose(program: &Path) {
    // For as long as the process lives, as if it were built with it: there is one in each test.
    let program: &'static Path = Box::leak(program.to_owned().into_boxed_path());
    PROGRAM.with(|chosen| *chosen.borrow_mut() = Some(program));
}

/// As the end-to-end tests call it.
pub(crate) fn order_service() -> &'static Path {
    PROGRAM.with(|chosen| chosen.borrow().expect("the test has built a project"))
}
