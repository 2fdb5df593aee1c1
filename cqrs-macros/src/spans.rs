//! Where generated code shows in messages.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Type, spanned::Spanned};

/// Shows the user's token in a message about generated code, whose names still are its own.
pub(crate) fn at(token: &impl ToTokens) -> Span {
    token.span().resolved_at(Span::call_site())
}

/// The same tokens, with the same meaning, shown elsewhere in messages.
pub(crate) fn moved(tokens: TokenStream, span: Span) -> TokenStream {
    let moved = |token| match token {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), self::moved(group.stream(), span));
            moved.set_span(group.span().located_at(span));
            TokenTree::Group(moved)
        }
        mut token => {
            token.set_span(token.span().located_at(span));
            token
        }
    };
    tokens.into_iter().map(moved).collect()
}

/// `Order: Model,` where all of it shows as the user's `Order`.
pub(crate) fn predicate(ty: &Type, bound: &str) -> TokenStream {
    let ty = ty.to_token_stream();
    let (_, last) = ends(&ty);
    let bound = Ident::new(bound, last);
    let bound = quote_spanned!(last=> : __cqrs::#bound,);
    quote!(#ty #bound)
}

/// A group that shows at `span`.
pub(crate) fn group(delimiter: Delimiter, tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
}

/// Where tokens begin and end.
pub(crate) fn ends(tokens: &TokenStream) -> (Span, Span) {
    let mut spans = tokens.clone().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
