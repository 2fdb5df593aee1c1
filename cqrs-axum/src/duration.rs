//! Times as headers and bodies have them: whole milliseconds or seconds.

use std::time::Duration;

/// Reads a time such as `500ms` or `2s`.
pub fn parse(text: &str) -> Option<Duration> {
    let (number, unit): (&str, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => (text.strip_suffix('s')?, Duration::from_secs),
    };
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    number.parse().ok().map(unit)
}

/// Writes a time such as `12ms`.
pub fn format(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_of_milliseconds_or_seconds() {
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        for wrong in ["", "s", "ms", "1", "-1s", "+1s", "1.5s", "1 s", "1m", "1h", "99999999999999999999s"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_written_in_milliseconds() {
        assert_eq!(format(Duration::from_micros(12_999)), "12ms");
    }
}
