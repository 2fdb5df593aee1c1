//! The frame around generated code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Path};

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

/// The `compile_error!`s and what stands in for the real impls.
pub(crate) fn with_errors(errors: Errors, impls: TokenStream) -> TokenStream {
    let mut tokens = errors.into_tokens();
    tokens.extend(impls);
    tokens
}
