use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Ident, Meta, Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use super::{key::Key, nearest::nearest};
use crate::{diagnostics::Errors, names};

/// The options that one attribute takes.
pub(crate) struct Grammar {
    /// The attribute's name, such as `event`.
    pub(crate) attribute: &'static str,
    /// The option whose own options these are.
    pub(crate) within: Option<&'static str>,
    pub(crate) options: &'static [Known],
}

/// One option.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// How it is written, such as `stream = "order"`.
    pub(crate) form: &'static str,
}

impl Grammar {
    /// Reads the options of all attributes of this name. `read` gets each known option once, and reads its value.
    pub(crate) fn read(
        &self,
        attributes: &[Attribute],
        errors: &mut Errors,
        mut read: impl FnMut(&Key<'_>, ParseStream<'_>) -> syn::Result<()>,
    ) {
        let mut seen = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(self.attribute)) {
            match &attribute.meta {
                Meta::List(list) => self.options(list.tokens.clone(), &mut seen, errors, &mut read),
                Meta::Path(_) => {}
                Meta::NameValue(_) => errors.at(
                    attribute,
                    format_args!("options stand in parentheses: `{}`", self.shown(&self.forms().join(", "))),
                ),
            }
        }
    }

    /// Reads the options in the attribute that called an attribute macro.
    pub(crate) fn read_tokens(
        &self,
        tokens: TokenStream,
        errors: &mut Errors,
        mut read: impl FnMut(&Key<'_>, ParseStream<'_>) -> syn::Result<()>,
    ) {
        self.options(tokens, &mut Vec::new(), errors, &mut read);
    }

    fn options(
        &self,
        tokens: TokenStream,
        seen: &mut Vec<&'static str>,
        errors: &mut Errors,
        read: &mut dyn FnMut(&Key<'_>, ParseStream<'_>) -> syn::Result<()>,
    ) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = self.option(input, seen, read) {
                    errors.add(error);
                    skip_to_comma(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        let result = parser.parse2(tokens);
        errors.ok(result);
    }

    fn option(
        &self,
        input: ParseStream<'_>,
        seen: &mut Vec<&'static str>,
        read: &mut dyn FnMut(&Key<'_>, ParseStream<'_>) -> syn::Result<()>,
    ) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format_args!("expected an option; {}", self.valid())));
        }
        let ident = Ident::parse_any(input)?;
        let name = names::plain(&ident);
        let Some(known) = self.options.iter().find(|known| known.name == name) else {
            return Err(syn::Error::new(ident.span(), self.unknown(&name)));
        };
        if seen.contains(&known.name) {
            return Err(syn::Error::new(
                ident.span(),
                format_args!("`{name}` is given twice; keep one of them; {}", self.valid()),
            ));
        }
        seen.push(known.name);
        let key = Key { ident, known };
        read(&key, input)?;
        if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(key.wrong(input.span())) }
    }

    fn unknown(&self, name: &str) -> String {
        match nearest(name, self.options.iter().map(|known| known.name)) {
            Some(near) => format!("unknown option `{name}`; did you mean `{near}`? {}", self.valid()),
            None => format!("unknown option `{name}`; {}", self.valid()),
        }
    }

    fn valid(&self) -> String {
        if self.options.is_empty() {
            format!("`#[{}]` takes no options", self.attribute)
        } else {
            let forms: Vec<_> = self.forms().into_iter().map(|form| format!("`{form}`")).collect();
            format!("`{}` takes {}", self.shown("…"), forms.join(", "))
        }
    }

    fn forms(&self) -> Vec<&'static str> {
        self.options.iter().map(|known| known.form).collect()
    }

    /// The attribute with these options.
    fn shown(&self, options: &str) -> String {
        match self.within {
            Some(option) => format!("#[{}({option}({options}))]", self.attribute),
            None => format!("#[{}({options})]", self.attribute),
        }
    }
}

/// The rest of an option that could not be read, so that the next one can.
fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Where generated code finds the framework.
pub(crate) fn default_crate() -> Path {
    syn::parse_quote!(::cqrs_core)
}
