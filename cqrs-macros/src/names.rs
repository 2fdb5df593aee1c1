//! Names that are kept outside of the program: in logs, tables and columns.

use proc_macro2::Ident;
use syn::{LitStr, Type, ext::IdentExt};

use crate::diagnostics::Errors;

/// The identifier's text, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// `order_placed` for `OrderPlaced`, `http_request` for `HTTPRequest`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut letters = name.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(letter) = letters.next() {
        if letter.is_uppercase() {
            let after_word = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
            let before_word = before.is_some_and(char::is_uppercase)
                && letters.peek().is_some_and(|next| next.is_lowercase());
            if after_word || before_word {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        } else {
            snake.push(letter);
        }
        before = Some(letter);
    }
    snake
}

/// The last identifier of a type's path: what people call the type.
pub(crate) fn of_type(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => of_type(&group.elem),
        Type::Paren(paren) => of_type(&paren.elem),
        _ => None,
    }
}

/// What stores accept as a name of an event, a category or a command.
pub(crate) fn check(what: &str, example: &str, name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let problem = if text.is_empty() {
        "is empty"
    } else if text.len() > 255 {
        "is longer than 255 bytes"
    } else if text.chars().any(char::is_control) {
        "has a control character"
    } else if text.trim() != text {
        "begins or ends with a space"
    } else {
        return;
    };
    errors.at(name, format_args!("{what} {problem}; choose a short one that can stay, such as {example:?}"));
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn snake_case_breaks_before_words() {
        for (name, expected) in [
            ("OrderPlaced", "order_placed"),
            ("Order", "order"),
            ("HTTPRequestSent", "http_request_sent"),
            ("OrderV2", "order_v2"),
            ("Sha256Sum", "sha256_sum"),
            ("already_snake", "already_snake"),
            ("ÄpfelGekauft", "äpfel_gekauft"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
