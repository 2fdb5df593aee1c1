use cqrs_core::prelude::*;

/// Names an order.
#[derive(Id)]
#[id(validate = check)]
pub struct OrderId(String);

/// Names a customer.
#[derive(Id)]
#[id(validate = check)]
pub struct CustomerId(String);

/// Names an article that can be ordered.
#[derive(Id)]
#[id(validate = check)]
pub struct Sku(String);

/// Longest id, in characters.
const MAX: usize = 128;

fn check(id: &str) -> Result<(), String> {
    let suits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    match id.chars().find(|letter| !suits(*letter)) {
        Some(letter) => Err(format!("an id has letters, digits, `-`, `_` and `.` only, not {letter:?}")),
        None if id.is_empty() => Err("an id has at least 1 character".to_owned()),
        None if id.len() > MAX => Err(format!("an id has at most {MAX} characters, not {}", id.len())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_1_to_128_letters_digits_dashes_underscores_and_dots() {
        let longest = "x".repeat(128);
        for id in ["a", "A-1_b.c", "..", longest.as_str()] {
            assert!(id.parse::<OrderId>().is_ok(), "{id}");
        }
        let too_long = "x".repeat(129);
        for id in ["", " ", "a b", "a/b", "ä", "a\n", "١", too_long.as_str()] {
            assert!(id.parse::<OrderId>().is_err(), "{id}");
        }
    }
}
