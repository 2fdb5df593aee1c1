use std::fmt::{Debug, Write as _};

use similar::{Algorithm, ChangeTag, TextDiff};

/// What was expected (`-`) against what came (`+`), line by line.
pub(super) fn diff(expected: &impl Debug, actual: &impl Debug) -> String {
    let (expected, actual) = (format!("{expected:#?}"), format!("{actual:#?}"));
    let mut text = String::from("(- expected, + actual)\n");
    for change in
        TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(&expected, &actual).iter_all_changes()
    {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let line = change.value().trim_end_matches('\n');
        writeln!(text, "{sign} {line}").expect("a String takes all text");
    }
    text
}

/// `OrderSummary` for `shop::OrderSummary`.
pub(super) fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.split_once('<').map_or(name, |(plain, _)| plain).rsplit("::").next().unwrap_or(name)
}

/// An error with its causes.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a String takes all text");
        cause = error.source();
    }
    text
}
