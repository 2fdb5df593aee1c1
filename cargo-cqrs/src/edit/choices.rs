//! Adds to a choice on the command line: a variant of an enum, and the arm that says what it stands for.

use syn::{
    Arm, ExprMatch, ItemEnum,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Edits, declare::parse};

/// The file with one more variant of the enum, and one more arm of the only `match` that tells its variants apart by `Self`. The
/// arm is as the last one is, with the name of the new variant in place of the old.
pub(crate) fn extend(text: &str, name: &str, documentation: &str, variant: &str) -> Result<String, String> {
    let file = parse(text)?;
    let mut found = Found { name, choice: None, arms: Vec::new() };
    found.visit_file(&file);
    let choice = found.choice.ok_or_else(|| format!("it has no enum `{name}`"))?;
    let last = choice.variants.last().ok_or_else(|| format!("the enum `{name}` is empty"))?;
    let old = last.ident.to_string();
    let mut arms =
        found.arms.into_iter().filter(|arm| text[arm.pat.span().byte_range()] == format!("Self::{old}"));
    let (Some(arm), None) = (arms.next(), arms.next()) else {
        return Err(format!("it has not just one `match` with an arm `Self::{old}`"));
    };
    let mut edits = Edits::default();
    let comma = if choice.variants.trailing_punct() { "" } else { "," };
    let end = choice.variants.pairs().next_back().map_or(0, |pair| pair.span().byte_range().end);
    edits.insert(end, format!("{comma}\n    /// {documentation}\n    {variant},"));
    let arm_text = text[arm.span().byte_range()].trim_end_matches(',');
    let comma = if arm.comma.is_some() { "" } else { "," };
    edits.insert(arm.span().byte_range().end, format!("{comma}\n{},", arm_text.replace(&old, variant)));
    Ok(edits.apply(text))
}

struct Found<'t, 'ast> {
    name: &'t str,
    choice: Option<&'ast ItemEnum>,
    arms: Vec<&'ast Arm>,
}

impl<'ast> Visit<'ast> for Found<'_, 'ast> {
    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        if item.ident == self.name {
            self.choice = Some(item);
        }
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        self.arms.extend(&expression.arms);
        visit::visit_expr_match(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "\
enum View {
    /// Orders
    Orders,
    Sums,
}
impl View {
    fn id(self) -> Id {
        match self {
            Self::Orders => of::<v::Orders>(),
            Self::Sums => of::<v::Sums>(),
        }
    }
}
";

    #[test]
    fn the_last_variant_and_its_arm_are_followed_by_the_new_ones() {
        let extended = extend(OPTIONS, "View", "The new one", "New").expect("it is understood");
        assert!(extended.contains("Sums,\n    /// The new one\n    New,\n}"), "{extended}");
        assert!(extended.contains("of::<v::Sums>(),\nSelf::New => of::<v::New>(),\n"), "{extended}");
    }

    #[test]
    fn a_choice_that_is_made_elsewhere_is_not_understood() {
        for text in [
            OPTIONS.replace("View", "Other"),
            OPTIONS.replace("Self::Sums", "View::Sums"),
            "enum View {}".to_owned(),
        ] {
            extend(&text, "View", "The new one", "New").expect_err(&text);
        }
    }
}
