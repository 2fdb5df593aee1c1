use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, Ident, LitInt, LitStr, Path, Token, Type, parenthesized,
    parse::{Parse, ParseStream},
    token,
};

use super::Known;

/// The name of an option, with which its value is read.
pub(crate) struct Key<'a> {
    pub(super) ident: Ident,
    pub(super) known: &'a Known,
}

impl Key<'_> {
    pub(crate) fn name(&self) -> &'static str {
        self.known.name
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.ident
    }

    /// The mistake of another form than the option's.
    pub(crate) fn wrong(&self, place: Span) -> syn::Error {
        syn::Error::new(place, format_args!("`{}` is written `{}`", self.known.name, self.known.form))
    }

    fn assigned<T: Parse>(&self, input: ParseStream<'_>) -> syn::Result<T> {
        if !input.peek(Token![=]) {
            return Err(self.wrong(self.ident.span()));
        }
        input.parse::<Token![=]>()?;
        let place = if input.is_empty() { self.ident.span() } else { input.span() };
        input.parse().map_err(|_| self.wrong(place))
    }

    /// `= identifier`
    pub(crate) fn identifier(&self, input: ParseStream<'_>) -> syn::Result<Ident> {
        self.assigned(input)
    }

    /// `= "text"`
    pub(crate) fn text(&self, input: ParseStream<'_>) -> syn::Result<LitStr> {
        self.assigned(input)
    }

    /// `= 2`
    pub(crate) fn number(&self, input: ParseStream<'_>) -> syn::Result<LitInt> {
        self.assigned(input)
    }

    /// `= Type`
    pub(crate) fn ty(&self, input: ParseStream<'_>) -> syn::Result<Type> {
        self.assigned(input)
    }

    /// `= path`
    pub(crate) fn path(&self, input: ParseStream<'_>) -> syn::Result<Path> {
        self.assigned(input)
    }

    /// `= path`, where the path may begin with `crate`.
    pub(crate) fn crate_path(&self, input: ParseStream<'_>) -> syn::Result<Path> {
        if !input.peek(Token![=]) {
            return Err(self.wrong(self.ident.span()));
        }
        input.parse::<Token![=]>()?;
        let place = if input.is_empty() { self.ident.span() } else { input.span() };
        input.call(Path::parse_mod_style).map_err(|_| self.wrong(place))
    }

    /// `= expression`
    pub(crate) fn expression(&self, input: ParseStream<'_>) -> syn::Result<Expr> {
        if !input.peek(Token![=]) {
            return Err(self.wrong(self.ident.span()));
        }
        input.parse::<Token![=]>()?;
        // The parser's own words are the better ones for a mistake inside of an expression.
        if input.is_empty() { Err(self.wrong(self.ident.span())) } else { input.parse() }
    }

    /// `(…)`
    pub(crate) fn list<T>(
        &self,
        input: ParseStream<'_>,
        read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
    ) -> syn::Result<T> {
        if !input.peek(token::Paren) {
            return Err(self.wrong(self.ident.span()));
        }
        let content;
        parenthesized!(content in input);
        let read = read(&content);
        if read.is_err() {
            // What is left over would be one more mistake.
            content.parse::<TokenStream>()?;
        }
        read
    }

    /// `(…)`, options of an option
    pub(crate) fn nested(&self, input: ParseStream<'_>) -> syn::Result<TokenStream> {
        self.list(input, TokenStream::parse)
    }
}
