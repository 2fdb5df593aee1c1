//! Registers one more projection wherever projections are registered.

use std::ops::Range;

use syn::{
    Expr, ExprMethodCall, GenericArgument, ImplItem, Item, Type,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Edits, attributes, declare::parse};

/// The file with `.projection::<New>(…)` in each chain of such calls, after the last one that can be followed: its type is one of the
/// project's own, for which `rename` has the new one, and what it has in its brackets can be there twice.
pub(crate) fn register(text: &str, rename: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let file = parse(text)?;
    let mut chains = Chains { text, rename: &rename, edits: Edits::default(), builds: false, refused: None };
    chains.visit_file(&file);
    if let Some(given) = chains.refused {
        return Err(format!(
            "`.projection::<…>({given})` can't be there twice: it may give away what it has in its brackets"
        ));
    }
    if !chains.builds {
        return Err("it has no call of `.projection::<…>(…)` for a view of the project".to_owned());
    }
    Ok(chains.edits.apply(text))
}

struct Chains<'t> {
    text: &'t str,
    rename: &'t dyn Fn(&str) -> Option<String>,
    edits: Edits,
    /// A chain says where the views are, so it is more than watched.
    builds: bool,
    /// What a call has in its brackets that can't be followed.
    refused: Option<String>,
}

impl Chains<'_> {
    /// The calls of one chain, the last one first.
    fn follow(&mut self, calls: &[&ExprMethodCall]) {
        let own = calls.iter().filter_map(|call| {
            let new = (self.rename)(&self.text[projection(call)?])?;
            Some((*call, new))
        });
        let own: Vec<_> = own.collect();
        let pattern = own.iter().find(|(call, _)| call.args.iter().all(may_be_there_twice));
        if let Some((call, new)) = pattern {
            let whole = call.dot_token.span().byte_range().start..call.span().byte_range().end;
            let kind = projection(call).unwrap_or_default();
            let (before, after) = (&self.text[whole.start..kind.start], &self.text[kind.end..whole.end]);
            self.edits.insert(whole.end, format!("{before}{new}{after}"));
            self.builds |= !call.args.is_empty();
        } else if let Some((call, _)) = own.first() {
            self.refused.get_or_insert_with(|| self.text[call.args.span().byte_range()].to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Chains<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes::are_of_tests(attributes::of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !attributes::are_of_tests(attributes::of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let (mut calls, mut call) = (vec![call], call);
        let begin = loop {
            match receiver(&call.receiver) {
                Expr::MethodCall(before) => {
                    calls.push(before);
                    call = before;
                }
                begin => break begin,
            }
        };
        self.follow(&calls);
        self.visit_expr(begin);
        for argument in calls.into_iter().flat_map(|call| &call.args) {
            self.visit_expr(argument);
        }
    }
}

/// What a method is called on, whether it was waited for or not.
fn receiver(expression: &Expr) -> &Expr {
    match expression {
        Expr::Await(it) => receiver(&it.base),
        Expr::Try(it) => receiver(&it.expr),
        Expr::Paren(it) => receiver(&it.expr),
        other => other,
    }
}

/// It leaves what it names to whoever comes next.
fn may_be_there_twice(expression: &Expr) -> bool {
    match expression {
        Expr::MethodCall(call) => call.method == "clone" && call.args.is_empty(),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "clone"),
            _ => false,
        },
        Expr::Reference(it) => it.mutability.is_none(),
        _ => false,
    }
}

/// The type of a call of `.projection::<…>(…)`.
fn projection(call: &ExprMethodCall) -> Option<Range<usize>> {
    if call.method != "projection" {
        return None;
    }
    let generics = &call.turbofish.as_ref()?.args;
    match generics.first() {
        Some(GenericArgument::Type(kind @ Type::Path(_))) if generics.len() == 1 => {
            Some(kind.span().byte_range())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<String, String> {
        register(text, |path| path.starts_with("v::").then(|| "v::New".to_owned()))
    }

    #[test]
    fn each_chain_gets_one_more_with_the_same_arguments() {
        let text = "fn a() {\n    b().projection::<v::One>(c).projection::<v::Two>(Arc::clone(d)).build();\n    e.projection::<v::One>().start();\n}\n";
        let expected = "fn a() {\n    b().projection::<v::One>(c).projection::<v::Two>(Arc::clone(d)).projection::<v::New>(Arc::clone(d)).build();\n    e.projection::<v::One>().projection::<v::New>().start();\n}\n";
        assert_eq!(new(text).expect("it is understood"), expected);
    }

    #[test]
    fn a_file_without_such_a_call_is_not_understood() {
        for text in ["fn a() { b.projection(); }", "fn a() { projection::<v::A>(b); }", "fn a( {"] {
            new(text).expect_err(text);
        }
    }

    #[test]
    fn a_projection_from_elsewhere_is_not_followed() {
        let text =
            "fn a() { b.projection::<v::One>(d.clone()).projection::<crate::audit::Audit>(e.clone()); }";
        let expected = "fn a() { b.projection::<v::One>(d.clone()).projection::<v::New>(d.clone()).projection::<crate::audit::Audit>(e.clone()); }";
        assert_eq!(new(text).expect("it is understood"), expected);
        let text = "fn a() { b.projection::<crate::audit::Audit>(e.clone()); }";
        new(text).expect_err("nothing is as the project has it");
        let text = format!("{text} fn f() {{ g.projection::<v::One>().start(); }}");
        new(&text).expect_err("nothing is built there");
    }

    #[test]
    fn what_is_given_away_is_not_given_away_twice() {
        for given in [
            "views",
            "open(views)",
            "self.views",
            "|| views",
            "views.clone().with(other)",
            "views.clone(), other",
        ] {
            let text = format!("fn a() {{ b.projection::<v::One>({given}); }}");
            let why = new(&text).expect_err(&text);
            assert!(why.contains(given), "{why}");
        }
        for kept in [
            "views.clone()",
            "Arc::clone(views)",
            "std::sync::Arc::clone(&self.views)",
            "&views",
            "self.views().clone()",
        ] {
            let text = format!("fn a() {{ b.projection::<v::One>({kept}); }}");
            let expected =
                format!("fn a() {{ b.projection::<v::One>({kept}).projection::<v::New>({kept}); }}");
            assert_eq!(new(&text).expect("it is understood"), expected);
        }
        // The last one may have what the others have clones of.
        let text = "fn a() { b.projection::<v::One>(d.clone()).projection::<v::Two>(d).build(); }";
        let expected = "fn a() { b.projection::<v::One>(d.clone()).projection::<v::New>(d.clone()).projection::<v::Two>(d).build(); }";
        assert_eq!(new(text).expect("it is understood"), expected);
    }

    #[test]
    fn tests_are_left_alone() {
        let text = "fn a() { b.projection::<v::One>(d.clone()); }\n";
        for tests in [
            "#[cfg(test)]\nmod tests {\n    fn a() { b.projection::<v::One>(d.clone()); }\n}\n",
            "#[cfg(all(test, unix))]\nfn a() { b.projection::<v::One>(d.clone()); }\n",
            "#[tokio::test]\nasync fn a() { b.projection::<v::One>(d.clone()); }\n",
            "impl A {\n    #[cfg(test)]\n    fn a() { b.projection::<v::One>(d.clone()); }\n}\n",
        ] {
            new(tests).expect_err("tests alone are no pattern");
            let extended = new(&format!("{text}{tests}")).expect("it is understood");
            assert!(extended.ends_with(tests) && extended.matches("New").count() == 1, "{extended}");
        }
    }
}
