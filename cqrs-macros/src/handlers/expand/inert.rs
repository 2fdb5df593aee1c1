use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Type;

use super::frame;
use crate::handlers::model::Handlers;

/// After a mistake: impls that compile, so that no other message follows from it.
pub(in crate::handlers) fn inert(handlers: &Handlers) -> TokenStream {
    if handlers.hopeless {
        return TokenStream::new();
    }
    let model = &handlers.model;
    let events = if handlers.unknown_event {
        inert_event(&quote!(impl<__Event: __cqrs::Payload>), &quote!(__Event), model)
    } else {
        let events = handlers.events.iter().map(|handler| {
            let (cfgs, event) = (&handler.cfgs, &handler.event);
            inert_event(&quote!(#(#cfgs)* impl), &quote!(#event), model)
        });
        let ignored = handlers.ignored.iter().map(|event| inert_event(&quote!(impl), &quote!(#event), model));
        quote!(#(#events)* #(#ignored)*)
    };
    let commands = if handlers.unknown_command {
        inert_command(&quote!(impl<__Command: __cqrs::Command>), &quote!(__Command), model)
    } else {
        let commands = handlers.commands.iter().map(|handler| {
            let (cfgs, command) = (&handler.cfgs, &handler.command);
            inert_command(&quote!(#(#cfgs)* impl), &quote!(#command), model)
        });
        let mistaken = mistaken(handlers);
        quote!(#(#commands)* #mistaken)
    };
    frame(handlers, &quote!(#events #commands))
}

/// For what seems to be a command, where it is one.
fn mistaken(handlers: &Handlers) -> TokenStream {
    let text = |ty: &Type| ty.to_token_stream().to_string();
    let mut known: HashSet<_> = handlers.commands.iter().map(|handler| text(&handler.command)).collect();
    let mistaken: Vec<_> = handlers.mistaken_commands.iter().filter(|ty| known.insert(text(ty))).collect();
    if mistaken.is_empty() {
        return TokenStream::new();
    }
    let command = inert_command(&quote!(impl<C: __cqrs::Command + __Mistaken>), &quote!(C), &handlers.model);
    quote! {
        trait __Mistaken {}
        #(impl __Mistaken for #mistaken {})*
        #command
    }
}

fn inert_event(head: &TokenStream, event: &TokenStream, model: &Type) -> TokenStream {
    quote! {
        #head __cqrs::Apply<#event> for #model {
            const FINGERPRINT: __cqrs::u64 = 0;
            fn route(
                _: &#event,
                _: &__cqrs::str,
                _: &mut __cqrs::Vec<__cqrs::Key<Self>>,
            ) -> __cqrs::Result<(), __cqrs::IdError> {
                __cqrs::inert()
            }
            fn apply(
                _: __cqrs::State<Self>,
                _: &#event,
                _: &__cqrs::Metadata,
            ) -> __cqrs::Result<__cqrs::State<Self>, __cqrs::FoldError> {
                __cqrs::inert()
            }
        }
    }
}

fn inert_command(head: &TokenStream, command: &TokenStream, model: &Type) -> TokenStream {
    quote! {
        #head __cqrs::Handle<#command> for #model {
            type Error = __cqrs::Infallible;
            async fn handle<'a>(
                _: __cqrs::State<&'a Self>,
                _: &'a #command,
                _: __cqrs::Context<'a, Self>,
            ) -> __cqrs::Result<__cqrs::Events<__cqrs::EventOf<Self>>, __cqrs::HandleError<Self::Error>> {
                __cqrs::inert()
            }
        }
    }
}
