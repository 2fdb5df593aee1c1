use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::Aggregate;
use crate::{diagnostics::Errors, generated, spans};

pub(super) fn impls(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { ident, krate, event, services, snapshot_every, default, fingerprint, .. } = aggregate;
    let fingerprint = Literal::u64_suffixed(*fingerprint);
    let (initial, created) = if *default {
        (quote!(__cqrs::Some(<#ident as __cqrs::StartsAsDefault>::start())), None)
    } else {
        (
            quote!(__cqrs::None),
            Some(quote! {
                #[automatically_derived]
                impl __cqrs::CreatedByHandlers for #ident {}
            }),
        )
    };
    let extract = services.as_ref().map(|services| {
        quote! {
            #[automatically_derived]
            impl __cqrs::Extract<#ident> for #services {
                fn extract(context: __cqrs::Context<'_, #ident>) -> &Self {
                    context.services
                }
            }
        }
    });
    let services = services.as_ref().map_or_else(
        || {
            quote!(
                type Services = __cqrs::NoServices;
            )
        },
        |services| spans::moved(quote!(type Services = #services;), spans::at(services)),
    );
    let (every, write, read) = match snapshot_every {
        Some(every) => {
            let every = Literal::u64_unsuffixed(*every);
            (
                quote!(__cqrs::Some(#every)),
                quote!(<#ident as __cqrs::Snapshot>::to_snapshot(self)),
                quote!(<#ident as __cqrs::Snapshot>::from_snapshot(data)),
            )
        }
        None => (
            quote!(__cqrs::None),
            quote!(__cqrs::None),
            quote!({
                let _ = data;
                __cqrs::None
            }),
        ),
    };
    let place = spans::at(event);
    let of_model = quote! {
        type Key = <<#event as __cqrs::EventSet>::Itself as __cqrs::Event>::Id;
        type Events = #event;
    };
    let of_model = spans::moved(of_model, place);
    let head = spans::moved(quote!(impl __cqrs::Aggregate for #ident), place);
    let set = spans::moved(quote!(type Event = <#event as __cqrs::EventSet>::Itself;), place);
    let impls = quote! {
        #[automatically_derived]
        impl __cqrs::Model for #ident {
            #of_model
            const FINGERPRINT: __cqrs::u64 = #fingerprint;
            fn initial() -> __cqrs::Option<Self> {
                #initial
            }
        }
        #[automatically_derived]
        impl __cqrs::FedBy<#event> for #ident {}
        #created
        #extract
        #[automatically_derived]
        #head {
            #set
            #services
            const SNAPSHOT_EVERY: __cqrs::Option<__cqrs::u64> = #every;
            fn to_snapshot(&self) -> __cqrs::Option<__cqrs::Json> {
                #write
            }
            fn from_snapshot(data: &__cqrs::Json) -> __cqrs::Option<Self> {
                #read
            }
        }
    };
    generated::hidden(krate, &[], &impls)
}

/// After a mistake: impls that compile, so that no other message follows from it.
pub(super) fn inert(aggregate: &Aggregate, errors: Errors) -> TokenStream {
    if aggregate.generic {
        return errors.into_tokens();
    }
    let Aggregate { ident, krate, event, services, .. } = aggregate;
    let extract = services.as_ref().map(|services| {
        quote! {
            impl __cqrs::Extract<#ident> for #services {
                fn extract(_: __cqrs::Context<'_, #ident>) -> &Self {
                    __cqrs::inert()
                }
            }
        }
    });
    let services = services.as_ref().map_or_else(|| quote!(__cqrs::NoServices), |services| quote!(#services));
    let impls = quote! {
        impl __cqrs::Model for #ident {
            type Key = <#event as __cqrs::Event>::Id;
            type Events = #event;
            const FINGERPRINT: __cqrs::u64 = 0;
            fn initial() -> __cqrs::Option<Self> {
                __cqrs::inert()
            }
        }
        impl __cqrs::FedBy<#event> for #ident {}
        impl __cqrs::CreatedByHandlers for #ident {}
        #extract
        impl __cqrs::Aggregate for #ident {
            type Event = #event;
            type Services = #services;
            const SNAPSHOT_EVERY: __cqrs::Option<__cqrs::u64> = __cqrs::None;
            fn to_snapshot(&self) -> __cqrs::Option<__cqrs::Json> {
                __cqrs::inert()
            }
            fn from_snapshot(_: &__cqrs::Json) -> __cqrs::Option<Self> {
                __cqrs::inert()
            }
        }
    };
    generated::inert(krate, errors, &impls)
}
