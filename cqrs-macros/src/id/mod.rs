//! `#[derive(Id)]`

mod expand;
mod inert;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::{diagnostics::Errors, generated};

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let id = model::read(input, &mut errors);
    if errors.is_empty() { expand::impls(&id) } else { generated::with_errors(errors, inert::inert(&id)) }
}
