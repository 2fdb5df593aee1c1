use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{LogId, Position};

/// Names a point in a log: a reader can ask for data at least that fresh.
///
/// As text it is 26 to 43 characters of `A`–`Z`, `a`–`z`, `0`–`9` and `-`: it fits an HTTP header, a cookie and a
/// URL. Treat it as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    log: LogId,
    position: Position,
}

impl Token {
    /// Names the point of `log` up to which `position` is included.
    pub const fn new(log: LogId, position: Position) -> Self {
        Self { log, position }
    }

    /// The log.
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// The last position that is included.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// It asks for nothing: made by a program that did not know the log yet, of views that were never built.
    pub const fn asks_nothing(&self) -> bool {
        self.log.as_uuid().is_nil() && self.position.get() == 0
    }

    /// The later of two points of one log; `None` where the logs differ. For a caller that gathers tokens.
    pub fn max(self, other: Self) -> Option<Self> {
        (self.log == other.log).then(|| if self.position < other.position { other } else { self })
    }
}

/// `1` for the format, the position in base 36, `-`, the log's id in hex, a check character.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = String::with_capacity(48);
        body.push('1');
        push_base36(&mut body, self.position.get());
        body.push('-');
        body.push_str(self.log.as_uuid().simple().encode_lower(&mut Uuid::encode_buffer()));
        let check = check_character(&body);
        write!(f, "{body}{check}")
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        const LONGEST: usize = 64;
        let flawed = |flaw| TokenError { flaw };
        if !text.is_ascii() || text.len() > LONGEST {
            return Err(flawed(Flaw::Foreign));
        }
        let at = text.len().checked_sub(1).ok_or(flawed(Flaw::Empty))?;
        let (body, check) = text.split_at(at);
        let rest = text.strip_prefix('1').ok_or(flawed(Flaw::Format))?;
        if !check.starts_with(check_character(body)) {
            // A text without the mark in its middle was hardly a token ever.
            return Err(flawed(if rest.contains('-') { Flaw::Changed } else { Flaw::Foreign }));
        }
        let parse = || {
            let (position, log) = body.strip_prefix('1')?.split_once('-')?;
            if position.is_empty() || position.starts_with('+') {
                return None;
            }
            let log = (log.len() == 32).then(|| Uuid::try_parse(log).ok())??;
            Some(Self {
                log: LogId::from_uuid(log),
                position: Position::new(u64::from_str_radix(position, 36).ok()?),
            })
        };
        parse().ok_or(flawed(Flaw::Foreign))
    }
}

fn push_base36(text: &mut String, mut number: u64) {
    let start = text.len();
    loop {
        let digit = u32::try_from(number % 36).expect("a remainder of 36 fits");
        text.push(char::from_digit(digit, 36).expect("a digit below 36"));
        number /= 36;
        if number == 0 {
            break;
        }
    }
    let digits: String = text.drain(start..).rev().collect();
    text.push_str(&digits);
}

/// Catches a token that was cut or mistyped; it is no protection against forgery.
fn check_character(body: &str) -> char {
    let sum = body.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 36);
    char::from_digit(sum, 36).expect("a digit below 36")
}

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text is not a token: cut, mistyped, or made by something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a consistency token: {flaw}; give back a token exactly as it was received")]
pub struct TokenError {
    flaw: Flaw,
}

/// What is wrong with it. The text itself is not repeated: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Empty,
    Format,
    Changed,
    Foreign,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Format => "it does not begin with `1`, the format that this program knows",
            Self::Changed => "its last character does not match the others, so it was cut or changed",
            Self::Foreign => "it was made by something else",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form() {
        for position in [0, 1, 35, 36, 1_000_000, u64::MAX] {
            let token = Token::new(LogId::generate(), Position::new(position));
            assert_eq!(token.to_string().parse(), Ok(token));
        }
    }

    #[test]
    fn a_cut_or_changed_token_is_refused() {
        let text = Token::new(LogId::generate(), Position::new(4711)).to_string();
        for end in 0..text.len() {
            assert!(text[..end].parse::<Token>().is_err(), "{}", &text[..end]);
        }
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(changed.parse::<Token>().is_err() || changed == text, "{changed}");
        }
        // Always the same: one cut in 36 ends in the character that fits by chance, and is told as another flaw.
        let log = LogId::from_uuid(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0007));
        let text = Token::new(log, Position::new(4711)).to_string();
        for (text, flaw) in [
            ("", "it is empty"),
            (&text[..text.len() - 1], "cut or changed"),
            (&format!("2{}", &text[1..]), "does not begin with `1`"),
            ("14711", "made by something else"),
            ("é", "made by something else"),
        ] {
            let error = text.parse::<Token>().expect_err(text).to_string();
            assert!(error.contains(flaw), "{text}: {error}");
        }
        for nonsense in ["", "1", "é", "1-", "1zzzzzzzzzzzzzzzzzzzzzzzz-", "\u{0}"] {
            assert!(nonsense.parse::<Token>().is_err());
        }
    }
}
