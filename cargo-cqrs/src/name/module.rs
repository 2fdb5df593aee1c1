use std::fmt;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::{LONGEST, reserved};

/// The name of something in a project: a module, and types that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleName(Vec<String>);

impl ModuleName {
    /// Takes `order_line`, `order-line` and `OrderLine`.
    pub(crate) fn new(name: &str) -> Result<Self, BadModuleName> {
        let refuse = |why: &str| Err(BadModuleName::new(name, why));
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter)) {
            return refuse("has other than letters, digits, `_` and `-`");
        }
        let found = Self::of(name);
        let snake = found.snake();
        if !snake.starts_with(|first: char| first.is_ascii_lowercase()) {
            return refuse("does not begin with a letter");
        }
        if snake.len() > LONGEST {
            return refuse(&format!("has {} letters, and may have {LONGEST}", snake.len()));
        }
        if ["lib", "main", "mod"].contains(&snake.as_str()) {
            return refuse("is a file that means something else to Rust");
        }
        match reserved::why_module(&snake).or_else(|| reserved::why_type(&found.camel())) {
            Some(why) => refuse(&why),
            None => Ok(found),
        }
    }

    /// The same for a name that Rust has let pass already.
    pub(crate) fn of(name: &str) -> Self {
        Self(name.to_snake_case().split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect())
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
        self.snake().to_upper_camel_case()
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

impl BadModuleName {
    pub(crate) fn new(name: &str, why: &str) -> Self {
        Self { name: name.to_owned(), why: why.to_owned() }
    }
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
    fn what_is_written_in_capitals_is_one_word() {
        for (name, snake, camel) in [
            ("HTTPThing", "http_thing", "HttpThing"),
            ("HTTP", "http", "Http"),
            ("OrderID", "order_id", "OrderId"),
            ("PaymentV2", "payment_v2", "PaymentV2"),
            ("MY-THING", "my_thing", "MyThing"),
        ] {
            let name = ModuleName::new(name).expect("a name");
            assert_eq!((name.snake().as_str(), name.camel().as_str()), (snake, camel));
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
            ("string", "`String`"),
            ("DateTime", "`DateTime`"),
            ("aggregate", "`Aggregate`"),
            ("u32", "type of Rust"),
            ("std", "comes with Rust"),
            (&"p".repeat(65), "65 letters"),
        ] {
            let error = ModuleName::new(name).expect_err(name).to_string();
            assert!(error.contains(why) && error.contains(name), "{error}");
        }
    }
}
