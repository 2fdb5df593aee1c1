//! Ctrl-c: the running stage's processes get it too, as they are in the same process group.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{consts::SIGINT, flag};

/// What a shell expects of a program that ctrl-c has ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether the user has asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. A second ctrl-c ends the program at once.
    pub(crate) fn listen() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        // Before the flag is raised, or the first ctrl-c would be taken for the second.
        flag::register_conditional_shutdown(SIGINT, EXIT_CODE.into(), Arc::clone(&requested))?;
        flag::register(SIGINT, Arc::clone(&requested))?;
        Ok(Self(requested))
    }

    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
