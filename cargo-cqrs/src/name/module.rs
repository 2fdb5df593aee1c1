use std::fmt;

use super::reserved;

/// The name of something in a project: a module, and types that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleName(Vec<String>);

impl ModuleName {
    /// Takes `order_line`, `order-line` and `OrderLine`.
    pub(crate) fn new(name: &str) -> Result<Self, BadModuleName> {
        let refuse = |why: &str| Err(BadModuleName { name: name.to_owned(), why: why.to_owned() });
        let mut words: Vec<String> = Vec::new();
        let mut begins = true;
        for letter in name.chars() {
            if letter == '_' || letter == '-' {
                begins = true;
                continue;
            }
            if !letter.is_ascii_alphanumeric() {
                return refuse("has other than letters, digits, `_` and `-`");
            }
            if begins || letter.is_ascii_uppercase() {
                words.push(String::new());
                begins = false;
            }
            if let Some(word) = words.last_mut() {
                word.push(letter.to_ascii_lowercase());
            }
        }
        let found = Self(words);
        let snake = found.snake();
        if !snake.starts_with(|first: char| first.is_ascii_lowercase()) {
            return refuse("does not begin with a letter");
        }
        if reserved::is_keyword(&snake) {
            return refuse("is a keyword of Rust");
        }
        if ["lib", "main", "mod"].contains(&snake.as_str()) {
            return refuse("is a file that means something else to Rust");
        }
        Ok(found)
    }

    /// `order_line`
    pub(crate) fn snake(&self) -> String {
        self.0.join("_")
    }

    /// `order line`
    pub(crate) fn words(&self) -> String {
        self.0.join(" ")
    }

    /// `OrderLine`
    pub(crate) fn camel(&self) -> String {
        let capital = |word: &String| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.iter().map(capital).collect()
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.snake())
    }
}

/// A name that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't be the name of a module: it {why}")]
pub(crate) struct BadModuleName {
    name: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_words_are_joined_they_are_the_same_name() {
        for name in ["order_line", "order-line", "OrderLine", "orderLine", "Order-Line", "order__line"] {
            let name = ModuleName::new(name).expect("a name");
            assert_eq!(
                (name.snake().as_str(), name.camel().as_str(), name.words().as_str()),
                ("order_line", "OrderLine", "order line")
            );
        }
    }

    #[test]
    fn what_no_module_can_be_called_is_refused_with_the_reason() {
        for (name, why) in [
            ("", "begin"),
            ("__", "begin"),
            ("2nd", "begin"),
            ("a b", "letters"),
            ("ö", "letters"),
            ("match", "keyword"),
            ("Self", "keyword"),
            ("lib", "file"),
        ] {
            let error = ModuleName::new(name).expect_err(name).to_string();
            assert!(error.contains(why) && error.contains(name), "{error}");
        }
    }
}
