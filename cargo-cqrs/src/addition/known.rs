//! By what stores know streams and projections: no two may be called the same.

use syn::{
    Attribute, Expr, ExprLit, Item, Lit, Meta, Token,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use crate::{
    Error,
    edit::attributes,
    project::{Layout, Project},
};

/// What is called something in stores.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Stream,
    Projection,
}

impl Known {
    /// Nothing of the kind is called so yet, in whichever file of the project. One that can't be read has none.
    pub(super) fn is_free(self, project: &Project, name: &str) -> Result<(), Error> {
        let folders: &[&str] = match project.layout {
            Layout::Crates { .. } => &["events/src", "domain/src", "views/src", "src"],
            Layout::OneFile => &["src"],
        };
        for (path, text) in folders.iter().flat_map(|folder| project.rust_below(folder)) {
            let Ok(file) = syn::parse_file(&text) else { continue };
            let mut names = Names { of: self, all: Vec::new() };
            names.visit_file(&file);
            if names.all.iter().any(|other| other == name) {
                return Err(Error::Exists { what: format!("a {} called `{name}`", self.word()), path });
            }
        }
        Ok(())
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Projection => "projection",
        }
    }

    /// The attribute that names it, and the key in it.
    const fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Self::Stream => ("event", "stream"),
            Self::Projection => ("projection", "name"),
        }
    }
}

struct Names {
    of: Known,
    all: Vec<String>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes::are_of_tests(attributes::of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let (name, key) = self.of.attribute();
        if !attribute.path().is_ident(name) {
            return;
        }
        let parts = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        self.all.extend(parts.into_iter().flatten().filter_map(|part| match part {
            Meta::NameValue(pair) if pair.path.is_ident(key) => match pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => Some(name.value()),
                _ => None,
            },
            _ => None,
        }));
    }
}
