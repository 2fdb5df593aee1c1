//! Counts tests from what a test runner prints.

use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Count {
    /// As [`of_cargo_test`].
    pub(crate) fn of_cargo_test(output: &str) -> Option<Self> {
        of_cargo_test(output)
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Adds up the result line of each test binary that `cargo test` ran; `None` where there is no such line.
pub(super) fn of_cargo_test(output: &str) -> Option<Count> {
    let output = without_colours(output);
    let results = output.lines().filter_map(|line| line.strip_prefix("test result: "));
    results.map(tally).reduce(|mut sum, count| {
        sum += count;
        sum
    })
}

/// Reads the summary line of `cargo nextest run`; `None` where there is none.
pub(super) fn of_nextest(output: &str) -> Option<Count> {
    let output = without_colours(output);
    let summary = output.lines().rev().find_map(|line| line.trim_start().strip_prefix("Summary ["))?;
    let (_, tests) = summary.split_once("run: ")?;
    Some(tally(tests))
}

/// Sums the `<number> <what>` pairs of a line such as `ok. 5 passed; 0 failed` or `5 passed (1 slow), 2 timed out`.
fn tally(line: &str) -> Count {
    let mut count = Count::default();
    for part in line.split([',', ';', '.']) {
        let mut words = part.split_whitespace();
        let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<u64>), words.next()) else {
            continue;
        };
        match what {
            "passed" => count.passed += number,
            // `timed out` and `exec failed` are nextest's; each stands for a test that did not pass.
            "failed" | "timed" | "exec" => count.failed += number,
            "skipped" | "ignored" => count.skipped += number,
            _ => {}
        }
    }
    count
}

/// The text without terminal escape sequences: a runner may be told to colour its output wherever it goes.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\x1b[");
    plain.extend(parts.next());
    for part in parts {
        plain.push_str(
            part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default(),
        );
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_test_is_counted_over_all_binaries() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s
   Doc-tests core
test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
";
        assert_eq!(of_cargo_test(output), Some(Count { passed: 5, failed: 4, skipped: 1 }));
    }

    #[test]
    fn nextest_is_counted_from_its_summary() {
        let output =
            "        PASS [   0.012s] core a\n     Summary [   0.020s] 57 tests run: 57 passed, 0 skipped\n";
        assert_eq!(of_nextest(output), Some(Count { passed: 57, failed: 0, skipped: 0 }));
    }

    #[test]
    fn all_the_ways_in_which_a_test_can_fail_in_nextest_are_failures() {
        let output = "     Summary [   9.000s] 10/12 tests run: 6 passed (2 slow, 1 leaky), 2 failed (1 due to being leaky), \
                      1 timed out, 1 exec failed, 3 skipped\n        FAIL [   0.1s] core b\n";
        assert_eq!(of_nextest(output), Some(Count { passed: 6, failed: 4, skipped: 3 }));
    }

    #[test]
    fn one_test_is_counted_too() {
        let output = "     Summary [   0.020s] 1 test run: 1 passed, 2 skipped";
        assert_eq!(of_nextest(output), Some(Count { passed: 1, failed: 0, skipped: 2 }));
    }

    #[test]
    fn colours_do_not_hide_the_numbers() {
        let output = "\x1b[32;1m     Summary\x1b[0m [   0.020s] \x1b[1m3\x1b[0m tests run: \x1b[1m3\x1b[0m \x1b[32;1mpassed\x1b[0m, \x1b[1m1\x1b[0m \x1b[33mskipped\x1b[0m";
        assert_eq!(of_nextest(output), Some(Count { passed: 3, failed: 0, skipped: 1 }));
        let output = "test result: \x1b[32mok\x1b[0m. 2 passed; 0 failed; 0 ignored";
        assert_eq!(of_cargo_test(output), Some(Count { passed: 2, failed: 0, skipped: 0 }));
    }

    #[test]
    fn output_without_a_result_counts_nothing() {
        assert_eq!(of_cargo_test("error: could not compile `core`"), None);
        assert_eq!(of_nextest("error: could not compile `core`"), None);
    }
}
