//! The frame around generated code.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Path, spanned::Spanned};

use crate::diagnostics::Errors;

/// Puts impls where they share no name with the user's code; inside, the framework is `__cqrs`.
pub(crate) fn hidden(krate: &Path, cfgs: &[&Attribute], impls: &TokenStream) -> TokenStream {
    quote! {
        #(#cfgs)*
        const _: () = {
            use #krate::__private as __cqrs;
            #impls
        };
    }
}

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

/// The `compile_error!`s and what stands in for the real impls.
pub(crate) fn with_errors(errors: Errors, impls: TokenStream) -> TokenStream {
    let mut tokens = errors.into_tokens();
    tokens.extend(impls);
    tokens
}
