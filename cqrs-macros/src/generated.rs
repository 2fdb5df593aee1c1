//! The frame around generated code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Path, Type, parse_quote};

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

/// Impls that compile after a mistake, so that no other message follows from it. In them, a type that the mistake
/// leaves unknown is [`unknown`]. That holds the mistake itself: a type with an error inside fits everywhere, and no
/// message names it.
pub(crate) fn inert(krate: &Path, errors: Errors, impls: &TokenStream) -> TokenStream {
    let (first, others) = errors.into_first_and_others();
    let impls = quote! {
        type __Unknown = [(); { #first }];
        #impls
    };
    let mut tokens = hidden(krate, &[], &impls);
    tokens.extend(others.into_tokens());
    tokens
}

/// The type in [`inert`] impls that a mistake leaves unknown.
pub(crate) fn unknown() -> Type {
    parse_quote!(__Unknown)
}

/// The `compile_error!`s and what stands in for the real impls.
pub(crate) fn with_errors(errors: Errors, impls: TokenStream) -> TokenStream {
    let mut tokens = errors.into_tokens();
    tokens.extend(impls);
    tokens
}
