//! The summary at the end, for 80 columns.

use std::{fmt::Write as _, time::Duration};

use super::{
    count::Count,
    outcome::{Outcome, Verdict},
    stage::Stage,
};
use crate::screen::{Colour, Screen};

const WIDTH: usize = 80;
const INDENT: usize = 13;

#[derive(Debug, Default)]
pub(super) struct Report {
    stages: Vec<(Stage, Outcome, Duration)>,
}

impl Report {
    pub(super) fn add(&mut self, stage: Stage, outcome: Outcome, took: Duration) {
        self.stages.push((stage, outcome, took));
    }

    pub(super) fn failed(&self) -> bool {
        self.stages.iter().any(|(_, outcome, _)| outcome.verdict == Verdict::Failed)
    }

    /// All tests. A stage that failed without a failed test (it is no test, or did not compile) counts as one failure:
    /// "0 failed" must not be the last line of a failed run.
    fn total(&self) -> Count {
        let mut total = Count::default();
        for (_, outcome, _) in &self.stages {
            let mut count = outcome.tests.unwrap_or_default();
            if outcome.verdict == Verdict::Failed {
                count.failed = count.failed.max(1);
            }
            total += count;
        }
        total
    }

    pub(super) fn render(&self, screen: &Screen) -> String {
        let head = format!(
            "{:<INDENT$}{:<8}{:>8}{:>8}{:>9}{:>14}",
            "stage", "result", "passed", "failed", "skipped", "time"
        );
        let mut text = format!("\n{}\n", screen.paint(Colour::Bold, &head));
        for (stage, outcome, took) in &self.stages {
            let [passed, failed, skipped] = match outcome.tests {
                Some(count) => [count.passed, count.failed, count.skipped].map(|number| number.to_string()),
                None => ["", "", ""].map(str::to_owned),
            };
            let took = if outcome.verdict == Verdict::NotRun { String::new() } else { duration(*took) };
            let name = stage.name();
            let verdict = verdict(screen, outcome.verdict, 8);
            let row = format!("{name:<INDENT$}{verdict}{passed:>8}{failed:>8}{skipped:>9}{took:>14}");
            text.push_str(row.trim_end());
            text.push('\n');
            for note in &outcome.notes {
                for line in note.lines().flat_map(|line| wrap(line, WIDTH - INDENT)) {
                    let _ = writeln!(text, "{:INDENT$}{line}", "");
                }
            }
        }
        let total = self.total();
        let took = duration(self.stages.iter().map(|(_, _, took)| took).sum());
        let _ = writeln!(text, "{:<INDENT$}{took:>47}\n", "total");
        let _ = writeln!(text, "{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
        text
    }
}

/// A stage's last progress line.
pub(super) fn finished(screen: &Screen, outcome: &Outcome, took: Duration) -> String {
    let mut line = verdict(screen, outcome.verdict, 0);
    if let Some(count) = outcome.tests {
        let _ = write!(line, ", {} passed, {} failed", count.passed, count.failed);
    }
    if outcome.verdict != Verdict::NotRun {
        let _ = write!(line, ", {}", duration(took));
    }
    line
}

fn verdict(screen: &Screen, verdict: Verdict, width: usize) -> String {
    let (colour, text) = match verdict {
        Verdict::Passed => (Colour::Green, "ok"),
        Verdict::Failed => (Colour::Red, "FAILED"),
        Verdict::NotRun => (Colour::Yellow, "not run"),
    };
    screen.paint(colour, &format!("{text:<width$}"))
}

pub(super) fn duration(duration: Duration) -> String {
    // Tenths first, or 59.96 s would be rounded to a sixtieth second.
    let tenths = duration.as_millis().saturating_add(50) / 100;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} min {:02} s", tenths / 600, tenths % 600 / 10)
    }
}

/// Breaks a text between words; a word that is too long stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests(passed: u64, failed: u64, skipped: u64) -> Outcome {
        Outcome::of_tests(failed == 0, Some(Count { passed, failed, skipped }))
    }

    fn report() -> Report {
        let mut report = Report::default();
        report.add(Stage::Format, Outcome::of_check(true), Duration::from_millis(640));
        report.add(Stage::Unit, tests(1234, 2, 1), Duration::from_millis(83_210));
        report.add(
            Stage::Browser,
            Outcome::not_run(
                "no Chromium was found: install it (Debian: apt install chromium) or set CHROMIUM to its path",
            ),
            Duration::ZERO,
        );
        report
    }

    #[test]
    fn the_summary_reads_as_a_table_and_ends_with_the_totals() {
        let expected = "
stage        result    passed  failed  skipped          time
format       ok                                        0.6 s
unit         FAILED      1234       2        1    1 min 23 s
browser      not run
             no Chromium was found: install it (Debian: apt install chromium) or
             set CHROMIUM to its path
total                                             1 min 23 s

1234 passed, 2 failed, 1 skipped
";
        assert_eq!(report().render(&Screen::plain()), expected);
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_of_80_columns() {
        let rendered = report().render(&Screen::plain());
        let widest = rendered.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(WIDTH), "{widest:?} columns:\n{rendered}");
    }

    #[test]
    fn a_failed_check_is_never_zero_failures() {
        let mut report = Report::default();
        report.add(Stage::Clippy, Outcome::of_check(false), Duration::ZERO);
        report.add(Stage::Unit, tests(7, 0, 0), Duration::ZERO);
        assert!(report.failed());
        assert!(report.render(&Screen::plain()).ends_with("\n7 passed, 1 failed, 0 skipped\n"));
    }

    #[test]
    fn a_stage_that_did_not_run_is_neither_failed_nor_skipped_tests() {
        let mut report = Report::default();
        report.add(Stage::Browser, Outcome::not_run("no browser"), Duration::ZERO);
        assert!(!report.failed());
        assert!(report.render(&Screen::plain()).ends_with("\n0 passed, 0 failed, 0 skipped\n"));
    }

    #[test]
    fn durations_round_to_what_a_reader_wants() {
        let written =
            [0, 640, 59_949, 59_951, 83_210, 3_600_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(written, ["0.0 s", "0.6 s", "59.9 s", "1 min 00 s", "1 min 23 s", "60 min 00 s"]);
    }
}
