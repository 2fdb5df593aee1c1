use std::time::Duration;

use syn::LitStr;

/// Reads `"500ms"`, `"2s"`, `"1m30s"`.
pub(super) fn parse(text: &LitStr) -> syn::Result<Duration> {
    match read(&text.value()) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(syn::Error::new(
            text.span(),
            format_args!(
                "{:?} is not a length of time; write whole numbers with `ms`, `s`, `m` or `h`, such as `\"500ms\"`, `\"2s\"` or `\"1m30s\"`",
                text.value()
            ),
        )),
    }
}

fn read(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" | "min" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after.trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read;

    #[test]
    fn whole_numbers_with_units_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2000),
            ("1m", 60_000),
            ("1m30s", 90_000),
            ("1h 5ms", 3_600_005),
            ("0s", 0),
        ] {
            assert_eq!(read(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["2", "s", "2 s", "-2s", "1.5s", "2sec", "2S", "99999999999999999999s", "18446744073709551615h"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
