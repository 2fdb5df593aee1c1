//! Medians, percentiles, and numbers for people.

use std::time::Duration;

/// The middle of several figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The duration that this share of all stays under.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of samples are far below 2^52, and a share is between 0 and 1"
    )]
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// `12,345`
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with about three digits that say something: `0.123`, `1.23`, `12.3`, `123`.
pub fn shortened(number: f64) -> String {
    let digits = match number {
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_string(), "2");
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_last_sample_is_the_hundredth_percentile() {
        let sorted = [1, 2, 3, 4].map(Duration::from_millis);
        assert_eq!(percentile(&sorted, 0.5), Duration::from_millis(3));
        assert_eq!(percentile(&sorted, 1.0), Duration::from_millis(4));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn digits_come_in_groups_of_three() {
        assert_eq!(grouped(1_234_567.4), "1,234,567");
        assert_eq!(grouped(999.6), "1,000");
        assert_eq!(grouped(12.0), "12");
    }

    #[test]
    fn small_figures_keep_their_digits() {
        let shown = [0.1234, 1.234, 12.34, 123.4].map(shortened);
        assert_eq!(shown, ["0.123", "1.23", "12.3", "123"]);
    }
}
