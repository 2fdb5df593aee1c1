use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::LitStr;

use super::model::{Event, EventSet};
use crate::{generated, names, spans};

pub(super) fn impls(set: &EventSet) -> TokenStream {
    let EventSet { ident, krate, stream, id, events, .. } = set;
    let payloads: Vec<_> = events.iter().map(|event| &event.payload).collect();
    let variants: Vec<_> = events.iter().map(|event| &event.variant).collect();
    let names: Vec<_> = events.iter().map(|event| &event.name).collect();
    let indexes = (0..events.len()).map(Literal::usize_unsuffixed);
    let conversions = events.iter().map(|event| conversions(set, event));
    let payload_impls = events.iter().map(|event| payload(set, event));
    let whole = whole(set);
    let impls = quote! {
        #(#conversions)*
        #(#payload_impls)*
        #whole

        #[automatically_derived]
        impl __cqrs::Event for #ident {
            type Id = #id;
            const STREAM: &'static __cqrs::str = #stream;
            const TYPES: &'static [__cqrs::EventType] = &[#(<#payloads as __cqrs::Payload>::TYPE),*];
            fn event_type(&self) -> &'static __cqrs::EventType {
                match self {
                    #(Self::#variants(_) => &<Self as __cqrs::Event>::TYPES[#indexes],)*
                }
            }
            fn encode(&self) -> __cqrs::Result<__cqrs::Json, __cqrs::EncodeError> {
                match self {
                    #(Self::#variants(event) => __cqrs::Payload::encode(event),)*
                }
            }
            fn decode(
                name: &__cqrs::str,
                version: __cqrs::SchemaVersion,
                data: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                match name {
                    #(#names => __cqrs::Result::map(
                        <#payloads as __cqrs::Payload>::decode(version, data),
                        Self::#variants,
                    ),)*
                    _ => __cqrs::Err(__cqrs::unknown_name::<Self>(name)),
                }
            }
        }

        #[automatically_derived]
        impl<__Model> __cqrs::Fold<__Model> for #ident
        where
            __Model: __cqrs::Model #(+ __cqrs::Apply<#payloads>)*,
        {
            const FINGERPRINT: __cqrs::u64 =
                __cqrs::combine_all(&[#(<__Model as __cqrs::Apply<#payloads>>::FINGERPRINT),*]);
            const CATEGORY: &'static __cqrs::str = #stream;
            const WHOLE: __cqrs::bool = true;
            const BY_STREAM: __cqrs::bool = true #(&& <__Model as __cqrs::Apply<#payloads>>::BY_STREAM)*;
            const READS_METADATA: __cqrs::bool = false #(|| <__Model as __cqrs::Apply<#payloads>>::READS_METADATA)*;
            fn types() -> &'static [__cqrs::EventType] {
                <Self as __cqrs::Event>::TYPES
            }
            fn ignores(name: &__cqrs::str) -> __cqrs::bool {
                match name {
                    #(#names => <__Model as __cqrs::Apply<#payloads>>::IGNORED,)*
                    _ => false,
                }
            }
            fn read(
                name: &__cqrs::str,
                version: __cqrs::SchemaVersion,
                data: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                <Self as __cqrs::Event>::decode(name, version, data)
            }
            fn route(
                &self,
                stream: &__cqrs::str,
                keys: &mut __cqrs::Vec<__cqrs::Key<__Model>>,
            ) -> __cqrs::Result<(), __cqrs::IdError> {
                match self {
                    #(Self::#variants(event) => <__Model as __cqrs::Apply<#payloads>>::route(event, stream, keys),)*
                }
            }
            fn fold(
                &self,
                state: __cqrs::State<__Model>,
                metadata: &__cqrs::Metadata,
            ) -> __cqrs::Result<__cqrs::State<__Model>, __cqrs::FoldError> {
                match self {
                    #(Self::#variants(event) => <__Model as __cqrs::Apply<#payloads>>::apply(state, event, metadata),)*
                }
            }
        }
    };
    generated::hidden(krate, &[], &impls)
}

/// From an event to its set, also as what a command handler returns.
fn conversions(set: &EventSet, event: &Event) -> TokenStream {
    let EventSet { ident, id, .. } = set;
    let Event { variant, payload, .. } = event;
    quote! {
        #[automatically_derived]
        impl __cqrs::From<#payload> for #ident {
            fn from(event: #payload) -> Self {
                Self::#variant(event)
            }
        }
        #[automatically_derived]
        impl __cqrs::IntoEvents<#ident> for #payload {
            fn into_events(self, events: &mut __cqrs::Events<#ident>) {
                __cqrs::push(self, events);
            }
        }
        #[automatically_derived]
        impl __cqrs::Outcome<#ident> for #payload {
            type Error = __cqrs::Infallible;
            fn into_outcome(self) -> __cqrs::Result<__cqrs::Events<#ident>, __cqrs::Infallible> {
                __cqrs::outcome_of(self)
            }
        }
        #[automatically_derived]
        impl __cqrs::Includes<#payload> for #ident {}
        #[automatically_derived]
        impl __cqrs::Source for #payload {
            type Fold = __cqrs::One<Self>;
            type Id = #id;
        }
    }
}

/// A projection may be fed by the whole set, and a command handler may return it.
pub(super) fn whole(set: &EventSet) -> TokenStream {
    let EventSet { ident, id, .. } = set;
    quote! {
        #[automatically_derived]
        impl __cqrs::Source for #ident {
            type Fold = Self;
            type Id = #id;
        }
        #[automatically_derived]
        impl __cqrs::EventSet for #ident {
            type Itself = Self;
        }
        #[automatically_derived]
        impl __cqrs::IntoEvents<#ident> for #ident {
            fn into_events(self, events: &mut __cqrs::Events<#ident>) {
                __cqrs::push(self, events);
            }
        }
        #[automatically_derived]
        impl __cqrs::Outcome<#ident> for #ident {
            type Error = __cqrs::Infallible;
            fn into_outcome(self) -> __cqrs::Result<__cqrs::Events<#ident>, __cqrs::Infallible> {
                __cqrs::outcome_of(self)
            }
        }
    }
}

fn payload(set: &EventSet, event: &Event) -> TokenStream {
    let ident = &set.ident;
    let Event { payload, name, version, older, .. } = event;
    let type_name = type_name(event);
    let newest = Literal::u32_unsuffixed(*version);
    let arms = older.iter().enumerate().map(|(at, oldest)| {
        let number = Literal::u32_unsuffixed(oldest.version);
        let ty = &oldest.ty;
        let old_name = names::of_type(ty).map(names::plain).unwrap_or_default();
        let steps = older[at..].iter().enumerate().map(|(step, from)| {
            let version = Literal::u32_unsuffixed(from.version);
            let from = &from.ty;
            let to = older.get(at + step + 1).map_or(payload, |next| &next.ty);
            let convert = quote!(<#to as __cqrs::UpcastFrom<#from>>::upcast_from);
            let convert = spans::moved(convert, spans::at(from));
            quote!(let event = __cqrs::upcast(<Self as __cqrs::Payload>::TYPE, #version, #convert(event))?;)
        });
        quote! {
            #number => {
                let event = <#ty as __cqrs::Readable>::read(#name, version, #old_name, data)?;
                #(#steps)*
                __cqrs::Ok(event)
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl __cqrs::Payload for #payload {
            type Set = #ident;
            const TYPE: __cqrs::EventType = __cqrs::EventType::new(
                #name,
                __cqrs::SchemaVersion::__at_least_first(#newest),
                #type_name,
            );
            fn encode(&self) -> __cqrs::Result<__cqrs::Json, __cqrs::EncodeError> {
                <#payload as __cqrs::Recordable>::write(self, <Self as __cqrs::Payload>::TYPE)
            }
            fn decode(
                version: __cqrs::SchemaVersion,
                data: &__cqrs::Json,
            ) -> __cqrs::Result<Self, __cqrs::DecodeError> {
                match __cqrs::SchemaVersion::get(version) {
                    #newest => {
                        <#payload as __cqrs::Recordable>::read(<Self as __cqrs::Payload>::TYPE, version, data)
                    }
                    #(#arms)*
                    _ => __cqrs::Err(__cqrs::unknown_version(<Self as __cqrs::Payload>::TYPE, version)),
                }
            }
        }
    }
}

fn type_name(event: &Event) -> LitStr {
    let ident = names::of_type(&event.payload).unwrap_or(&event.variant);
    LitStr::new(&names::plain(ident), ident.span())
}
