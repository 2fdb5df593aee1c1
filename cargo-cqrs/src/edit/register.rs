//! Registers one more projection wherever projections are registered.

use std::ops::Range;

use syn::{
    ExprMethodCall, GenericArgument, Type,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Edits, declare::parse};

/// The file with `.projection::<New>(…)` after the last one of each chain of such calls, with what that one has in its brackets.
/// The type is what is made of the other one's path.
pub(crate) fn register(text: &str, rename: impl Fn(&str) -> String) -> Result<String, String> {
    let file = parse(text)?;
    let mut chains = Chains::default();
    chains.visit_file(&file);
    if chains.last.is_empty() {
        return Err("it has no call of `.projection::<…>(…)`".to_owned());
    }
    let mut edits = Edits::default();
    for Call { whole, kind } in chains.last {
        let (before, after) = (&text[whole.start..kind.start], &text[kind.end..whole.end]);
        edits.insert(whole.end, format!("{before}{}{after}", rename(&text[kind])));
    }
    Ok(edits.apply(text))
}

/// A call, from its dot on, and the type in it.
struct Call {
    whole: Range<usize>,
    kind: Range<usize>,
}

#[derive(Default)]
struct Chains {
    last: Vec<Call>,
    /// A later call of the same chain is known.
    within: bool,
}

impl<'ast> Visit<'ast> for Chains {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let outside = self.within;
        if let Some(kind) = projection(call) {
            if !self.within {
                let whole = call.dot_token.span().byte_range().start..call.span().byte_range().end;
                self.last.push(Call { whole, kind });
            }
            self.within = true;
        }
        self.visit_expr(&call.receiver);
        self.within = false;
        for argument in &call.args {
            visit::visit_expr(self, argument);
        }
        self.within = outside;
    }
}

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

    fn last_segment(path: &str) -> String {
        match path.rsplit_once("::") {
            Some((before, _)) => format!("{before}::New"),
            None => "New".to_owned(),
        }
    }

    #[test]
    fn each_chain_gets_one_more_with_the_same_arguments() {
        let text = "fn a() {\n    b().projection::<v::One>(c(x)).projection::<v::Two>(d).build();\n    e.projection::<One>().start();\n}\n";
        let expected = "fn a() {\n    b().projection::<v::One>(c(x)).projection::<v::Two>(d).projection::<v::New>(d).build();\n    e.projection::<One>().projection::<New>().start();\n}\n";
        assert_eq!(register(text, last_segment).expect("it is understood"), expected);
    }

    #[test]
    fn a_file_without_such_a_call_is_not_understood() {
        for text in ["fn a() { b.projection(); }", "fn a() { projection::<A>(b); }", "fn a( {"] {
            register(text, last_segment).expect_err(text);
        }
    }
}
