//! How a stage ended.

use super::count::Count;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    NotRun,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    /// `None` for a stage that holds no tests.
    pub(super) tests: Option<Count>,
    /// What the summary must not keep to itself: why a stage did not run, what was not checked.
    pub(super) notes: Vec<String>,
}

impl Outcome {
    pub(super) fn of_check(passed: bool) -> Self {
        let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
        Self { verdict, tests: None, notes: Vec::new() }
    }

    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::of_check(false).note(why)
    }

    pub(super) fn not_run(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotRun, tests: None, notes: vec![why.into()] }
    }

    /// Of a test runner that ended well or not, and of what it printed in the end.
    ///
    /// Tests that nobody counted, or none at all, are a failure: a filter that has gone wrong must not look like success.
    pub(super) fn of_tests(success: bool, tests: Option<Count>) -> Self {
        match tests {
            None if success => Self::failed("the test runner printed no summary that could be read"),
            None => Self::of_check(false),
            Some(count) if count.passed + count.failed == 0 => {
                Self { tests: Some(count), ..Self::failed("no test ran") }
            }
            Some(count) => Self { tests: Some(count), ..Self::of_check(success && count.failed == 0) },
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_that_succeeds_without_a_test_has_failed() {
        let skipped_only = Some(Count { passed: 0, failed: 0, skipped: 4 });
        assert_eq!(Outcome::of_tests(true, skipped_only).verdict, Verdict::Failed);
    }

    #[test]
    fn a_runner_that_succeeds_without_a_summary_has_failed() {
        assert_eq!(Outcome::of_tests(true, None).verdict, Verdict::Failed);
    }

    #[test]
    fn a_failed_test_fails_the_stage_whatever_the_runner_says() {
        let count = Some(Count { passed: 3, failed: 1, skipped: 0 });
        assert_eq!(Outcome::of_tests(true, count).verdict, Verdict::Failed);
    }

    #[test]
    fn a_runner_that_fails_fails_the_stage_though_all_tests_passed() {
        let count = Some(Count { passed: 3, failed: 0, skipped: 0 });
        assert_eq!(Outcome::of_tests(false, count).verdict, Verdict::Failed);
    }
}
