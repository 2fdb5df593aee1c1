//! Cuts Rust down to what was chosen: the text stays as it is, but for what its `cfg`s take away.

use syn::{
    Arm, Attribute, Expr, Field, File, ImplItem, Item, Meta, Stmt, Token, Variant,
    punctuated::Punctuated,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::predicate::{Verdict, evaluate};
use crate::{
    edit::{Edits, attributes},
    project::Stores,
};

/// The file without what was not chosen, and without the questions for what was.
pub(crate) fn cut(text: &str, stores: Stores) -> Result<String, String> {
    let file = syn::parse_file(text).map_err(|error| error.to_string())?;
    let mut cutter = Cutter { text, stores, edits: Edits::default(), error: None };
    cutter.visit_file(&file);
    match cutter.error {
        Some(error) => Err(error),
        None => Ok(cutter.edits.apply(text)),
    }
}

struct Cutter<'t> {
    text: &'t str,
    stores: Stores,
    edits: Edits,
    error: Option<String>,
}

impl Cutter<'_> {
    /// Whether something with these attributes stays. Where it does, they are told what is decided; where not, it goes.
    fn keep(&mut self, attributes: &[Attribute], whole: &impl Spanned) -> bool {
        for attribute in attributes {
            match self.decide(attribute) {
                Ok(true) => {}
                Ok(false) => {
                    self.edits.remove(self.text, whole.span().byte_range());
                    return false;
                }
                Err(why) => {
                    let line = attribute.span().start().line;
                    self.error.get_or_insert(format!("line {line}: {why}"));
                }
            }
        }
        true
    }

    /// Resolves an attribute; false where it takes away what it stands on.
    fn decide(&mut self, attribute: &Attribute) -> Result<bool, String> {
        let range = attribute.span().byte_range();
        if attribute.path().is_ident("cfg") {
            let predicate: Meta = attribute.parse_args().map_err(|error| error.to_string())?;
            match evaluate(&predicate, self.stores)? {
                Verdict::Yes => self.edits.strip(self.text, range),
                Verdict::No => return Ok(false),
                Verdict::Foreign => {}
            }
        } else if attribute.path().is_ident("cfg_attr") {
            let parts = attribute
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .map_err(|error| error.to_string())?;
            let predicate = parts.first().ok_or("it asks for nothing")?;
            match evaluate(predicate, self.stores)? {
                Verdict::Yes => self.edits.replace(range, self.with(attribute, &parts)),
                Verdict::No => self.edits.strip(self.text, range),
                Verdict::Foreign => {}
            }
        }
        Ok(true)
    }

    /// What a `cfg_attr` comes to.
    fn with(&self, attribute: &Attribute, parts: &Punctuated<Meta, Token![,]>) -> String {
        let begin = match attribute.style {
            syn::AttrStyle::Outer => "#[",
            syn::AttrStyle::Inner(_) => "#![",
        };
        let text = |part: &Meta| -> &str { &self.text[part.span().byte_range()] };
        let attributes: Vec<_> = parts.iter().skip(1).map(|part| format!("{begin}{}]", text(part))).collect();
        attributes.concat()
    }
}

impl<'ast> Visit<'ast> for Cutter<'_> {
    fn visit_file(&mut self, file: &'ast File) {
        self.keep(&file.attrs, file);
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if self.keep(attributes::of_item(item), item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if self.keep(attributes::of_impl_item(item), item) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if self.keep(attributes::of_statement(statement), statement) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if self.keep(attributes::of_expression(expression), expression) {
            visit::visit_expr(self, expression);
        }
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if self.keep(&arm.attrs, arm) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        if self.keep(&variant.attrs, variant) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if self.keep(&field.attrs, field) {
            visit::visit_field(self, field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Read, Write};

    fn sqlite(text: &str) -> String {
        cut(text, Stores { write: Write::Sqlite, read: Read::Sqlite }).expect("it can be cut")
    }

    #[test]
    fn what_was_not_chosen_goes_with_its_comments_and_its_comma() {
        let text = r#"
//! Docs.
#![cfg_attr(not(feature = "sqlite"), allow(dead_code))]

mod a;
// Why it is there.
/// What it is.
#[cfg(feature = "mongodb")]
mod mongo;
#[cfg(feature = "sqlite")]
mod sqlite;

enum Kind {
    Memory,
    /// There.
    #[cfg(feature = "postgres")]
    Postgres { port: u16 },
    #[cfg(feature = "sqlite")]
    Sqlite,
}

const ALL: &[Kind] = &[
    #[cfg(feature = "postgres")]
    Kind::Postgres { port: 1 },
    #[cfg(feature = "sqlite")]
    Kind::Sqlite,
    Kind::Memory,
];

fn open(kind: Kind) -> u8 {
    #[cfg(feature = "postgres")]
    if true {
        return 7;
    }
    match kind {
        #[cfg(feature = "postgres")]
        Kind::Postgres { .. } => 1,
        #[cfg(feature = "sqlite")]
        Kind::Sqlite => 2,
        Kind::Memory => 3,
    }
}
"#;
        let expected = "
//! Docs.

mod a;
mod sqlite;

enum Kind {
    Memory,
    Sqlite,
}

const ALL: &[Kind] = &[
    Kind::Sqlite,
    Kind::Memory,
];

fn open(kind: Kind) -> u8 {
    match kind {
        Kind::Sqlite => 2,
        Kind::Memory => 3,
    }
}
";
        assert_eq!(sqlite(text), expected);
    }

    #[test]
    fn attributes_that_hold_stay_and_others_go() {
        let text = "#[cfg_attr(feature = \"sqlite\", must_use)]\n#[cfg_attr(feature = \"mongodb\", inline)]\nfn a() {}\n";
        assert_eq!(sqlite(text), "#[must_use]\nfn a() {}\n");
    }

    #[test]
    fn what_is_about_no_feature_is_not_touched() {
        let text = "#[cfg(test)]\nmod tests {}\n\nfn a() {\n    #[cfg(unix)]\n    b();\n}\n";
        assert_eq!(sqlite(text), text);
    }

    #[test]
    fn an_unknown_feature_is_named_with_its_line() {
        let stores = Stores { write: Write::Sqlite, read: Read::Sqlite };
        let error = cut("mod a;\n#[cfg(feature = \"oracle\")]\nmod b;\n", stores).expect_err("unknown");
        assert!(error.contains("line 2") && error.contains("oracle"), "{error}");
    }
}
