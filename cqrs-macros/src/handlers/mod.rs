//! `#[handlers]`, `#[command_handler]`, `#[event_handler]`

mod command;
mod event;
mod expand;
mod model;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Item;

use crate::{diagnostics::Errors, generated};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(Item::Impl(mut block)) = syn::parse2::<Item>(item.clone()) else {
        let mut errors = Errors::default();
        errors.add(syn::Error::new(
            Span::call_site(),
            "`#[handlers]` stands on an impl block of an aggregate or a projection: `#[handlers] impl Order { … }`",
        ));
        return generated::with_errors(errors, item);
    };
    let mut errors = Errors::default();
    let handlers = model::read(options, &mut block, &mut errors);
    let mut tokens = block.into_token_stream();
    if errors.is_empty() {
        tokens.extend(expand::impls(&handlers));
        tokens
    } else {
        tokens.extend(expand::inert(&handlers));
        generated::with_errors(errors, tokens)
    }
}

/// What the attributes of handlers do where no `#[handlers]` has read them.
pub(crate) fn outside(attribute: &str, options: &TokenStream, item: TokenStream) -> TokenStream {
    // What `#[handlers]` has read.
    if options.to_string() == "__handled" {
        return item;
    }
    let mut errors = Errors::default();
    errors.add(syn::Error::new(
        Span::call_site(),
        format_args!(
            "`#[{attribute}]` marks a method in a `#[handlers]` block; put `#[handlers]` on the impl block around it"
        ),
    ));
    generated::with_errors(errors, item)
}
