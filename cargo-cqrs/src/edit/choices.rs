//! Adds to a choice on the command line: a variant of an enum, and the arm that says what it stands for.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Arm, ExprMatch, Item, ItemEnum,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Edits, attributes, declare::parse};

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
    let pattern = arm.pat.span().byte_range().len();
    let mut places = Vec::new();
    ends_of_paths(arm_text.parse().map_err(|error| format!("{error}"))?, &old, &mut places);
    if !places.iter().any(|place| place.start > pattern) {
        return Err(format!("the arm `Self::{old}` does not name what `{old}` stands for"));
    }
    let mut new = Edits::default();
    for place in places {
        new.replace(place, variant);
    }
    edits.insert(arm.span().byte_range().end, format!("{comma}\n{},", new.apply(arm_text)));
    Ok(edits.apply(text))
}

/// Where a name stands as the last one of a path: `v::Sums`, but neither `Sums::of` nor a part of another name.
fn ends_of_paths(tokens: TokenStream, name: &str, places: &mut Vec<Range<usize>>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => ends_of_paths(group.stream(), name, places),
            TokenTree::Ident(ident) if ident == name => {
                let goes_on = tokens
                    .peek()
                    .is_some_and(|next| matches!(next, TokenTree::Punct(it) if it.as_char() == ':'));
                if !goes_on {
                    places.push(ident.span().byte_range());
                }
            }
            _ => {}
        }
    }
}

struct Found<'t, 'ast> {
    name: &'t str,
    choice: Option<&'ast ItemEnum>,
    arms: Vec<&'ast Arm>,
}

impl<'ast> Visit<'ast> for Found<'_, 'ast> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes::are_of_tests(attributes::of_item(item)) {
            visit::visit_item(self, item);
        }
    }

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
        let tests = "#[cfg(test)]\nmod tests { fn a() { match b { Self::Sums => 1 } } }\n";
        let text = format!("{OPTIONS}{tests}");
        let extended = extend(&text, "View", "The new one", "New").expect("it is understood");
        assert!(extended.ends_with(tests), "{extended}");
        assert!(extended.contains("Sums,\n    /// The new one\n    New,\n}"), "{extended}");
        assert!(extended.contains("of::<v::Sums>(),\nSelf::New => of::<v::New>(),\n"), "{extended}");
    }

    #[test]
    fn only_the_name_itself_is_replaced_whatever_it_is_a_part_of() {
        for old in ["Pro", "Project", "Projection", "ProjectionId", "S", "Sel", "Of"] {
            let text = OPTIONS.replace("of::", "ProjectionId::of::").replace("Sums", old);
            let extended = extend(&text, "View", "The new one", "New").expect("it is understood");
            assert!(extended.contains("\nSelf::New => ProjectionId::of::<v::New>(),\n"), "{extended}");
        }
    }

    #[test]
    fn an_arm_that_does_not_say_what_its_variant_stands_for_is_not_understood() {
        let text = OPTIONS.replace("of::<v::Sums>()", "sums()");
        extend(&text, "View", "The new one", "New")
            .expect_err("nothing says what the new one would stand for");
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
