use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::{Command, Id};
use crate::{diagnostics::Errors, generated, spans};

pub(super) fn impls(command: &Command) -> TokenStream {
    let Command { ident, krate, aggregate, name, id, fields, .. } = command;
    let copies = fields
        .iter()
        .map(|field| quote_spanned!(spans::at(field)=> __cqrs::CopiedWithCommand::copied(&self.#field)));
    // A field of the wrong type shows on that type; all else shows on the aggregate.
    let place = spans::at(aggregate);
    let id_of = id.as_ref().map(|Id { field, ty }| {
        let ty = spans::moved(quote!(#ty), spans::at(ty));
        let of = spans::moved(quote!(__cqrs::IdOf<#aggregate>), place);
        quote_spanned!(place=> <#ty as #of>::id(&self.#field))
    });
    let signature = quote!(fn aggregate_id(&self) -> &__cqrs::AggregateId<#aggregate>);
    let signature = spans::moved(signature, place);
    let impls = quote! {
        #[automatically_derived]
        impl __cqrs::Command for #ident {
            type Aggregate = #aggregate;
            const NAME: &'static __cqrs::str = #name;
            #signature {
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
pub(super) fn inert(command: &Command, errors: Errors) -> TokenStream {
    if command.generic {
        return errors.into_tokens();
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
    generated::inert(krate, errors, &impls)
}
