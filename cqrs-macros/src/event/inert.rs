use proc_macro2::TokenStream;
use quote::quote;

use super::{
    expand::whole,
    model::{Event, EventSet},
};
use crate::{diagnostics::Errors, generated};

/// After a mistake: impls that compile, so that no other message follows from it.
pub(super) fn inert(set: &EventSet, errors: Errors) -> TokenStream {
    let EventSet { ident, krate, id, events, generic, .. } = set;
    if *generic {
        return errors.into_tokens();
    }
    let conversions = events.iter().map(|event| inert_conversions(set, event));
    let whole = whole(set);
    let impls = quote! {
        #(#conversions)*
        #whole
        impl __cqrs::Event for #ident {
            type Id = #id;
            const STREAM: &'static __cqrs::str = "";
            const TYPES: &'static [__cqrs::EventType] = &[];
            fn event_type(&self) -> &'static __cqrs::EventType {
                __cqrs::inert()
            }
            fn encode(&self) -> __cqrs::Result<__cqrs::Json, __cqrs::EncodeError> {
                __cqrs::inert()
            }
            fn decode(
                _: &__cqrs::str,
                _: __cqrs::SchemaVersion,
                _: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                __cqrs::inert()
            }
        }
        impl<__Model: __cqrs::Model> __cqrs::Fold<__Model> for #ident {
            const FINGERPRINT: __cqrs::u64 = 0;
            const CATEGORY: &'static __cqrs::str = "";
            const WHOLE: __cqrs::bool = true;
            const BY_STREAM: __cqrs::bool = true;
            fn types() -> &'static [__cqrs::EventType] {
                __cqrs::inert()
            }
            fn ignores(_: &__cqrs::str) -> __cqrs::bool {
                __cqrs::inert()
            }
            fn read(
                _: &__cqrs::str,
                _: __cqrs::SchemaVersion,
                _: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                __cqrs::inert()
            }
            fn route(
                &self,
                _: &__cqrs::str,
                _: &mut __cqrs::Vec<__cqrs::Key<__Model>>,
            ) -> __cqrs::Result<(), __cqrs::IdError> {
                __cqrs::inert()
            }
            fn fold(
                &self,
                _: __cqrs::State<__Model>,
                _: &__cqrs::Metadata,
            ) -> __cqrs::Result<__cqrs::State<__Model>, __cqrs::FoldError> {
                __cqrs::inert()
            }
        }
        impl<__Event> __cqrs::Includes<__Event> for #ident {}
    };
    generated::inert(krate, errors, &impls)
}

fn inert_conversions(set: &EventSet, event: &Event) -> TokenStream {
    let EventSet { ident, id, .. } = set;
    let Event { variant, payload, .. } = event;
    quote! {
        impl __cqrs::From<#payload> for #ident {
            fn from(event: #payload) -> Self {
                Self::#variant(event)
            }
        }
        impl __cqrs::Source for #payload {
            type Fold = __cqrs::One<Self>;
            type Id = #id;
        }
        impl __cqrs::IntoEvents<#ident> for #payload {
            fn into_events(self, _: &mut __cqrs::Events<#ident>) {
                __cqrs::inert()
            }
        }
        impl __cqrs::Outcome<#ident> for #payload {
            type Error = __cqrs::Infallible;
            fn into_outcome(self) -> __cqrs::Result<__cqrs::Events<#ident>, __cqrs::Infallible> {
                __cqrs::inert()
            }
        }
        impl __cqrs::Payload for #payload {
            type Set = #ident;
            const TYPE: __cqrs::EventType =
                __cqrs::EventType::new("", __cqrs::SchemaVersion::FIRST, "");
            fn encode(&self) -> __cqrs::Result<__cqrs::Json, __cqrs::EncodeError> {
                __cqrs::inert()
            }
            fn decode(
                _: __cqrs::SchemaVersion,
                _: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                __cqrs::inert()
            }
        }
    }
}
