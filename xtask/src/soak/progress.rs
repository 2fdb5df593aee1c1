//! What a running scenario prints.

use std::io;

use crate::{screen::Screen, test::Count};

/// What the lines begin with that say how a scenario gets on.
const PREFIX: &str = "soak ";

/// Shows how it gets on in the last line of a terminal, and all else above it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    results: String,
}

impl Progress {
    pub(super) fn line(&mut self, screen: &mut Screen, line: &str) -> io::Result<()> {
        if screen.is_terminal() && is_progress(line) {
            return screen.live(line.trim_end());
        }
        self.keep(line);
        screen.text(line)
    }

    /// How many tests have passed, where none has failed.
    pub(super) fn passed(&self) -> u64 {
        let count = Count::of_cargo_test(&self.results).filter(|count| count.failed == 0);
        count.map_or(0, |count| count.passed)
    }

    fn keep(&mut self, line: &str) {
        if line.starts_with("test result: ") {
            self.results.push_str(line);
        }
    }
}

fn is_progress(line: &str) -> bool {
    line.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_test_has_passed_none() {
        let mut progress = Progress::default();
        assert_eq!(progress.passed(), 0);
        progress.keep("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 314 filtered out\n");
        assert_eq!(progress.passed(), 0);
        progress.keep("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 313 filtered out\n");
        assert_eq!(progress.passed(), 1);
        progress.keep("test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 312 filtered out\n");
        assert_eq!(progress.passed(), 0);
    }

    #[test]
    fn what_a_scenario_says_of_itself_is_known_from_the_rest() {
        assert!(is_progress("soak projectors 0:03/5:00 163 commands\n"));
        assert!(!is_progress("Kill projector 1\n") && !is_progress("soaked\n"));
    }
}
