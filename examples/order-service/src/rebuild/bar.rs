use std::time::Duration;

use cqrs_core::envelope::Position;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// It fits into a terminal of 80 columns, up to logs of 99,999,999,999 events.
const TEMPLATE: &str = "{percent:>3} % [{wide_bar}] {human_pos} of {human_len}, {rate}/s, {left}";

/// How far a build has come, as a bar on standard error. Where that is no terminal, nothing is drawn.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE)
            .expect("the template is a good one")
            .with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                // Whole events, in so few letters that the line does not jump.
                let _: std::fmt::Result = write!(text, "{:.0}", state.per_sec());
            })
            .with_key("left", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _: std::fmt::Result = write!(text, "{}", left(state.eta()));
            })
            .progress_chars("=> ");
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }

    /// All events up to `applied` are applied, of a log that ends at `head`.
    pub(super) fn show(&self, applied: Position, head: Position) {
        self.0.set_length(head.get());
        self.0.set_position(applied.get());
    }

    /// Writes a line above it.
    pub(super) fn say(&self, line: &str) {
        self.0.suspend(|| say(line));
    }

    /// Takes it away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Writes a line for people.
#[allow(clippy::print_stderr, reason = "a program's own words to the person who started it")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}

/// `1:02:03 left`
fn left(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02} left")
    } else {
        format!("{minutes}:{seconds:02} left")
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};

    use super::*;

    fn shown(columns: u16, applied: u64, head: u64) -> String {
        let terminal = InMemoryTerm::new(10, columns);
        let bar = Bar::on(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        bar.show(Position::new(applied), Position::new(head));
        bar.0.tick();
        assert_eq!(terminal.width(), columns);
        terminal.contents()
    }

    #[test]
    fn it_is_one_line_of_80_columns() {
        for (applied, head) in [(0, 0), (0, 1), (499, 1_000), (50_000_000_000, 99_999_999_999)] {
            let shown = shown(80, applied, head);
            assert_eq!(shown.lines().count(), 1, "{shown}");
            assert!(shown.chars().count() <= 80 && shown.contains('[') && shown.contains("left"), "{shown}");
        }
        let half = shown(80, 500, 1_000);
        assert!(half.starts_with(" 50 % [===") && half.contains("500 of 1,000, "), "{half}");
    }

    #[test]
    fn it_fits_into_less() {
        let shown = shown(40, 500, 1_000);
        assert!(shown.lines().all(|line| line.chars().count() <= 40), "{shown}");
    }

    #[test]
    fn the_time_that_is_left_has_hours_where_it_takes_some() {
        assert_eq!(left(Duration::from_millis(900)), "0:00 left");
        assert_eq!(left(Duration::from_secs(754)), "12:34 left");
        assert_eq!(left(Duration::from_secs(3_723)), "1:02:03 left");
    }
}
