mod command;
mod event;
mod inert;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::model::Handlers;
use crate::{generated, spans};

pub(super) use inert::inert;

pub(super) fn impls(handlers: &Handlers) -> TokenStream {
    let model = &handlers.model;
    let ignored = handlers.ignored.iter().map(|event| event::ignore(model, event));
    let events = handlers.events.iter().map(|handler| event::expand(model, handler));
    let commands = handlers.commands.iter().map(|handler| command::expand(model, handler));
    let impls = quote! {
        #[allow(unused_imports)]
        use __cqrs::{
            BelongsAlone as _, BelongsBySet as _, BelongsNowhere as _, BelongsUnknown as _, CommandByValue as _,
            CreatesModel as _, CreatesUnknown as _, KeyedByStream as _, KeyedFreely as _, UnknownByValue as _,
        };
        #(#ignored)*
        #(#events)*
        #(#commands)*
    };
    frame(handlers, &impls)
}

fn frame(handlers: &Handlers, impls: &TokenStream) -> TokenStream {
    // The marks are gone from the block. Said again here, they still count as a use of the user's imports.
    let marks = handlers.marks.iter().map(|mark| quote!(#[#mark(__handled)] const _: () = ();));
    let cfgs: Vec<_> = handlers.cfgs.iter().collect();
    generated::hidden(&handlers.krate, &cfgs, &quote!(#(#marks)* #impls))
}

/// That the model may come into being through this handler.
fn may_create(model: &Type, method: &Ident) -> TokenStream {
    quote_spanned!(spans::at(method)=> (&&__cqrs::Creates::<#model>::new()).check();)
}
