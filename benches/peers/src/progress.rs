use std::{
    cell::Cell,
    io::{IsTerminal as _, Write as _, stderr},
    time::Instant,
};

/// Says on the error output what is measured: on a terminal in one line, else in a line for each.
pub(crate) struct Progress {
    began: Instant,
    terminal: bool,
    done: Cell<usize>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), terminal: stderr().is_terminal(), done: Cell::new(0) }
    }

    pub(crate) fn step(&self, what: &str) {
        self.done.set(self.done.get() + 1);
        let line = format!("{:>4} s {:>4}. {what}", self.began.elapsed().as_secs(), self.done.get());
        let (start, end) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        // Where the error output is gone, the figures still matter.
        let _: Result<(), _> = write!(stderr(), "{start}{line}{end}").and_then(|()| stderr().flush());
    }

    pub(crate) fn end(&self) {
        if self.terminal {
            let _: Result<(), _> = write!(stderr(), "\r\x1b[K");
        }
    }
}
