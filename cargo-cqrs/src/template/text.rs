//! Cuts text other than Rust: lines that begin with `#%` say what stays, and `#+` stands before lines that only a project has.
//! In most files both are comments.

use std::{borrow::Cow, collections::BTreeMap};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

/// What a template may ask for.
pub(crate) type Answers = BTreeMap<&'static str, Value>;

/// The text that the answers leave.
pub(crate) fn render(text: &str, answers: &Answers) -> Result<String, String> {
    let syntax = SyntaxConfig::builder().line_statement_prefix("#%").build();
    let mut environment = Environment::new();
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let answers = Value::from_pairs(answers.iter().map(|(name, value)| (*name, value.clone())));
    let rendered = environment.render_str(text, answers).map_err(|error| error.to_string())?;
    let mut lines: String =
        rendered.lines().map(uncover).fold(String::new(), |text, line| text + &line + "\n");
    while let Some(at) = lines.find("\n\n\n") {
        lines.remove(at);
    }
    Ok(lines.trim_start_matches('\n').to_owned())
}

/// Takes the `#+ ` from the beginning of a line.
fn uncover(line: &str) -> Cow<'_, str> {
    let indent = line.len() - line.trim_start().len();
    match line[indent..].strip_prefix("#+") {
        Some(rest) => Cow::Owned(format!("{}{}", &line[..indent], rest.strip_prefix(' ').unwrap_or(rest))),
        None => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(demo: bool) -> Answers {
        Answers::from([("demo", demo.into()), ("name", "shop".into())])
    }

    const TEXT: &str = "\
a:
  #% if demo
  b: 1
  #% else
  #+ c:
  #+   d: {{ name }}
  #% endif
  e: \"${{ f }}\"
";

    #[test]
    fn lines_stay_or_go_with_their_indent() {
        let text = TEXT.replace("  e: \"${{ f }}\"\n", "  e: 2\n");
        assert_eq!(render(&text, &answers(true)).expect("a template"), "a:\n  b: 1\n  e: 2\n");
        assert_eq!(render(&text, &answers(false)).expect("a template"), "a:\n  c:\n    d: shop\n  e: 2\n");
    }

    #[test]
    fn a_question_that_has_no_answer_is_an_error() {
        assert!(render(TEXT, &answers(true)).is_err());
        assert!(render("#% if unknown\n#% endif\n", &answers(true)).is_err());
    }
}
