//! `#[derive(Projection)]`

mod duration;
mod expand;
mod fields;
mod model;
mod serialised;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::diagnostics::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let projection = model::read(&input, &mut errors);
    if errors.is_empty() { expand::impls(&projection) } else { expand::inert(&projection, errors) }
}
