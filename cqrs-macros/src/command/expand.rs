use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::{Command, Id};
use crate::generated;

pub(super) fn impls(command: &Command) -> TokenStream {
    let Command { ident, krate, aggregate, name, id, fields, .. } = command;
    let copies =
        fields.iter().map(|field| quote_spanned!(generated::at(field)=> __cqrs::Clone::clone(&self.#field)));
    let id_of = id.as_ref().map(|Id { field, ty }| {
        let id = quote!(<#ty as __cqrs::IdOf<#aggregate>>::id);
        let id = generated::moved(id, generated::at(ty));
        quote!(#id(&self.#field))
    });
    let impls = quote! {
        #[automatically_derived]
        impl __cqrs::Command for #ident {
            type Aggregate = #aggregate;
            const NAME: &'static __cqrs::str = #name;
            fn aggregate_id(&self) -> &__cqrs::Key<#aggregate> {
                #id_of
            }
            fn __copy(&self) -> Self {
                Self { #(#fields: #copies),* }
            }
        }
    };
    generated::hidden(krate, &[], &impls)
}

/// After a mistake: an impl that compiles, so that no other message follows from it.
pub(super) fn inert(command: &Command) -> TokenStream {
    if command.generic {
        return TokenStream::new();
    }
    let Command { ident, krate, aggregate, .. } = command;
    let impls = quote! {
        impl __cqrs::Command for #ident {
            type Aggregate = #aggregate;
            const NAME: &'static __cqrs::str = "";
            fn aggregate_id(&self) -> &__cqrs::Key<#aggregate> {
                __cqrs::inert()
            }
            fn __copy(&self) -> Self {
                __cqrs::inert()
            }
        }
    };
    generated::hidden(krate, &[], &impls)
}
