use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;

use super::{fields::Index, model::Projection};
use crate::{diagnostics::Errors, generated, names, spans};

pub(super) fn impls(projection: &Projection) -> TokenStream {
    let Projection { ident, krate, name, version, feeds, default, indexes, .. } = projection;
    let fingerprint = Literal::u64_suffixed(projection.fingerprint);
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
    let version = Literal::u32_unsuffixed(*version);
    let max_lag = projection.max_lag.map_or_else(
        || quote!(__cqrs::None),
        |lag| {
            let millis = Literal::u64_unsuffixed(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
            quote!(__cqrs::Some(__cqrs::Duration::from_millis(#millis)))
        },
    );
    let partitions = projection.partitions.map(|partitions| quote!(const PARTITIONS: u16 = #partitions;));
    let on_error = projection
        .on_error
        .as_ref()
        .map(|policy| quote!(const ON_ERROR: __cqrs::OnError = __cqrs::OnError::#policy;));
    let key = key(projection);
    let events = events(projection);
    let keyed = keyed(projection);
    let adds = feeds.iter().map(|feed| {
        let add = quote!(__cqrs::Feeds::add::<<#feed as __cqrs::Source>::Fold>);
        let add = spans::moved(add, spans::at(feed));
        quote!(#add(feeds);)
    });
    let index_names = indexes.iter().map(|index| &index.name);
    let index_fields = indexes.iter().map(|index| &index.field);
    let accessors = accessors(projection);
    let impls = quote! {
        #[automatically_derived]
        impl __cqrs::Model for #ident {
            #key
            #events
            const FINGERPRINT: __cqrs::u64 = #fingerprint;
            fn initial() -> __cqrs::Option<Self> {
                #initial
            }
        }
        #(
            #[automatically_derived]
            impl __cqrs::FedBy<#feeds> for #ident {}
        )*
        #created
        #keyed
        #[automatically_derived]
        impl __cqrs::Projection for #ident {
            const NAME: &'static __cqrs::str = #name;
            const VERSION: __cqrs::u32 = #version;
            const MAX_LAG: __cqrs::Option<__cqrs::Duration> = #max_lag;
            #on_error
            #partitions
            const INDEXES: &'static [__cqrs::IndexSpec] = &[#(__cqrs::IndexSpec::new(#index_names)),*];
            fn feeds(feeds: &mut __cqrs::Feeds<Self>) {
                #(#adds)*
            }
            fn index_values(
                &self,
            ) -> __cqrs::Result<__cqrs::Vec<__cqrs::IndexValue>, __cqrs::serde_json::Error> {
                __cqrs::Ok(__cqrs::From::from([#(__cqrs::IndexValue::of(&self.#index_fields)?),*]))
            }
        }
        #accessors
    };
    generated::hidden(krate, &[], &impls)
}

/// What follows from whether the projection names a key: its handlers may choose one, or it is a view of one stream.
fn keyed(projection: &Projection) -> TokenStream {
    let Projection { ident, key, .. } = projection;
    if key.is_some() {
        return quote! {
            #[automatically_derived]
            impl __cqrs::HasKey for #ident {}
        };
    }
    let place = first_feed(projection);
    let head = spans::moved(quote!(impl __cqrs::SingleStream for #ident), place);
    let sole = sole(projection);
    let sole = spans::moved(quote!(type Event = #sole;), place);
    quote! {
        #[automatically_derived]
        #head {
            #sole
        }
    }
}

fn key(projection: &Projection) -> TokenStream {
    projection.key.as_ref().map_or_else(
        || {
            let feeds = &projection.feeds;
            spans::moved(quote!(type Key = #(<#feeds as __cqrs::Source>::Id)*;), first_feed(projection))
        },
        |key| spans::moved(quote!(type Key = #key;), spans::at(key)),
    )
}

/// The only feed, as the event set that it must be in a projection without a key.
fn sole(projection: &Projection) -> TokenStream {
    let sole = projection
        .feeds
        .iter()
        .map(|feed| spans::moved(quote!(<#feed as __cqrs::EventSet>::Itself), spans::at(feed)));
    quote!(#(#sole)*)
}

fn events(projection: &Projection) -> TokenStream {
    let events = match projection.feeds.as_slice() {
        [feed] => quote!(type Events = #feed;),
        feeds => quote!(type Events = (#(#feeds),*);),
    };
    spans::moved(events, first_feed(projection))
}

fn first_feed(projection: &Projection) -> Span {
    projection.feeds.first().map_or_else(Span::call_site, spans::at)
}

/// `OrderSummary::customer_id()`
fn accessors(projection: &Projection) -> Option<TokenStream> {
    let Projection { ident, vis, indexes, .. } = projection;
    let accessors = indexes.iter().map(|Index { ty, name, accessor, field }| {
        let doc = format!("The index on `{}`, for queries.", names::plain(field));
        // A function of the user's with this name clashes on the field.
        let signature = quote!(#vis const fn #accessor() -> __cqrs::Index<Self, #ty>);
        let signature = spans::moved(signature, spans::at(accessor));
        quote! {
            #[doc = #doc]
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #signature {
                __cqrs::Index::new(#name)
            }
        }
    });
    (!indexes.is_empty()).then(|| {
        quote! {
            #[automatically_derived]
            impl #ident {
                #(#accessors)*
            }
        }
    })
}

/// After a mistake: impls that compile, so that no other message follows from it.
pub(super) fn inert(projection: &Projection, errors: Errors) -> TokenStream {
    if projection.generic {
        return errors.into_tokens();
    }
    let Projection { ident, krate, .. } = projection;
    let key = projection.key.clone().unwrap_or_else(generated::unknown);
    let accessors = accessors(projection);
    let impls = quote! {
        impl __cqrs::Model for #ident {
            type Key = #key;
            type Events = __Unknown;
            const FINGERPRINT: __cqrs::u64 = 0;
            fn initial() -> __cqrs::Option<Self> {
                __cqrs::inert()
            }
        }
        impl __cqrs::CreatedByHandlers for #ident {}
        impl __cqrs::HasKey for #ident {}
        impl __cqrs::SingleStream for #ident {
            type Event = __Unknown;
        }
        impl __cqrs::Projection for #ident {
            const NAME: &'static __cqrs::str = "";
            const VERSION: __cqrs::u32 = 1;
            const MAX_LAG: __cqrs::Option<__cqrs::Duration> = __cqrs::None;
            const INDEXES: &'static [__cqrs::IndexSpec] = &[];
            fn feeds(_: &mut __cqrs::Feeds<Self>) {
                __cqrs::inert()
            }
            fn index_values(
                &self,
            ) -> __cqrs::Result<__cqrs::Vec<__cqrs::IndexValue>, __cqrs::serde_json::Error> {
                __cqrs::inert()
            }
        }
        #accessors
    };
    generated::inert(krate, errors, &impls)
}
