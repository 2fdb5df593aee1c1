//! `#[derive(Event)]`

mod expand;
mod inert;
mod model;
mod upcasting;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::{diagnostics::Errors, generated};

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let set = model::read(input, &mut errors);
    if errors.is_empty() { expand::impls(&set) } else { generated::with_errors(errors, inert::inert(&set)) }
}
