use std::fmt;

use super::{LONGEST, reserved};

/// Databases that PostgreSQL and MongoDB keep for themselves.
const OF_SERVERS: [&str; 6] = ["admin", "config", "local", "postgres", "template0", "template1"];

/// Both take no longer names.
const LONGEST_DATABASE: usize = 63;

/// The name of a project: of its crate, its program and its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CrateName(String);

impl CrateName {
    pub(crate) fn new(name: &str) -> Result<Self, BadCrateName> {
        let refuse = |why: String| {
            let suggestion = suggest(name);
            BadCrateName { name: name.to_owned(), why, suggestion }
        };
        let suits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let Some(first) = name.chars().next() else {
            return Err(refuse("is empty".to_owned()));
        };
        if let Some(letter) = name.chars().find(char::is_ascii_uppercase) {
            return Err(refuse(format!("has the capital {letter:?}, while crates are written small")));
        }
        if let Some(letter) = name.chars().find(|letter| !suits(*letter) && !"-_".contains(*letter)) {
            return Err(refuse(format!(
                "has {letter:?}; a crate's name has letters, digits, `-` and `_` only"
            )));
        }
        if !first.is_ascii_lowercase() {
            return Err(refuse(format!("begins with {first:?}; a crate's name begins with a letter")));
        }
        let separators = |at: usize| -> String { name[at..].chars().take_while(|it| !suits(*it)).collect() };
        let run = name.char_indices().map(|(at, _)| separators(at)).find(|run| run.len() > 1);
        if let Some(run) = run {
            return Err(refuse(format!("has `{run}`; Rust warns of more than one separator in a row")));
        }
        if let Some(last) = name.chars().next_back().filter(|last| !suits(*last)) {
            return Err(refuse(format!("ends with {last:?}; Rust would warn of the names of its crates")));
        }
        if name.len() > LONGEST {
            return Err(refuse(format!("has {} letters, and may have {LONGEST}", name.len())));
        }
        match reserved::why(name) {
            Some(why) => Err(refuse(why)),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// As `Cargo.toml` has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As Rust has it.
    pub(crate) fn ident(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As its database is called, on a server that has some of its own.
    pub(crate) fn database(&self) -> String {
        let mut name = self.ident();
        if OF_SERVERS.contains(&name.as_str()) {
            name.push_str("_service");
        }
        name.truncate(LONGEST_DATABASE);
        name
    }

    /// As environment variables begin, without the last `_`.
    pub(crate) fn variable(&self) -> String {
        self.ident().to_ascii_uppercase()
    }

    /// As people read it: `My shop`.
    pub(crate) fn title(&self) -> String {
        let words = self.0.replace(['-', '_'], " ");
        let mut letters = words.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

impl fmt::Display for CrateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The nearest name that would do.
fn suggest(name: &str) -> Option<String> {
    let lower: String = name.to_lowercase();
    let suits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let words: Vec<_> = lower.split(|letter: char| !suits(letter)).filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    let digits: String = joined.chars().take_while(char::is_ascii_digit).collect();
    let base = joined[digits.len()..].trim_start_matches('-');
    let base = if base.is_empty() { "shop".to_owned() } else { format!("{base}{digits}") };
    let base = &base[..base.len().min(LONGEST / 2)];
    let candidates = [base.to_owned(), format!("{base}-service"), format!("my-{base}")];
    candidates.into_iter().find(|it| *it != name && reserved::why(it).is_none())
}

/// A name that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't be the name of a project: it {why}")]
pub(crate) struct BadCrateName {
    name: String,
    why: String,
    pub(crate) suggestion: Option<String>,
}

impl BadCrateName {
    /// The same for one line of a small terminal.
    pub(crate) fn brief(&self) -> String {
        let Self { why, suggestion, .. } = self;
        suggestion.iter().fold(format!("it {why}"), |said, name| format!("{said}; try {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> BadCrateName {
        CrateName::new(name).expect_err(name)
    }

    #[test]
    fn a_name_is_of_small_letters_digits_dashes_and_underscores() {
        for name in ["shop", "my-shop", "my_shop", "shop2", "order-service", "s"] {
            assert_eq!(CrateName::new(name).expect("a name").as_str(), name);
        }
        for (name, said) in [
            ("", "empty"),
            ("2shop", "begins with '2'"),
            ("-shop", "begins with '-'"),
            ("_shop", "begins with '_'"),
            ("Shop", "capital 'S'"),
            ("my shop", "' '"),
            ("shöp", "'ö'"),
            ("shop.rs", "'.'"),
            ("shop-", "ends with '-'"),
            ("shop_", "ends with '_'"),
            ("my___shop", "`___`"),
            ("my--shop", "`--`"),
            ("a-_b", "`-_`"),
            (&"s".repeat(65), "65 letters"),
        ] {
            let error = refused(name).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_is_suggested_in_place_of_a_name_is_one() {
        for (name, suggested) in [
            ("2shop", "shop2"),
            ("Shop", "shop"),
            ("my shop", "my-shop"),
            ("match", "match-service"),
            ("serde", "serde-service"),
            ("123", "shop"),
            ("ö", "shop"),
            ("shop-", "shop"),
            ("my___shop", "my-shop"),
            ("a-_b", "a-b"),
        ] {
            let suggestion = refused(name).suggestion.expect("there is one");
            assert_eq!(suggestion, suggested);
            assert!(CrateName::new(&suggestion).is_ok(), "{suggestion}");
        }
        let long = refused(&"s".repeat(100)).suggestion.expect("there is one");
        assert!(CrateName::new(&long).is_ok(), "{long}");
    }

    #[test]
    fn a_database_has_a_name_that_is_free_and_short_enough() {
        let database = |name: &str| CrateName::new(name).expect("a name").database();
        assert_eq!(database("my-shop"), "my_shop");
        for own in ["admin", "config", "local", "postgres", "template0", "template1"] {
            assert_eq!(database(own), format!("{own}_service"));
        }
        assert_eq!(database(&"s".repeat(64)), "s".repeat(63));
    }

    #[test]
    fn a_name_is_written_as_its_place_has_it() {
        let name = CrateName::new("my-shop").expect("a name");
        assert_eq!(
            (name.ident().as_str(), name.variable().as_str(), name.title().as_str()),
            ("my_shop", "MY_SHOP", "My shop")
        );
    }
}
