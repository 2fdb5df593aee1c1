use proc_macro2::TokenStream;
use quote::quote;

use super::model::Id;
use crate::generated;

/// After a mistake: impls that compile, so that no other message follows from it.
pub(super) fn inert(id: &Id) -> TokenStream {
    if id.generic {
        return TokenStream::new();
    }
    let Id { ident, krate, .. } = id;
    let impls = quote! {
        impl __cqrs::Clone for #ident {
            fn clone(&self) -> Self {
                __cqrs::inert()
            }
        }
        impl __cqrs::PartialEq for #ident {
            fn eq(&self, _: &Self) -> __cqrs::bool {
                __cqrs::inert()
            }
        }
        impl __cqrs::Eq for #ident {}
        impl __cqrs::PartialOrd for #ident {
            fn partial_cmp(&self, _: &Self) -> __cqrs::Option<__cqrs::Ordering> {
                __cqrs::inert()
            }
        }
        impl __cqrs::Ord for #ident {
            fn cmp(&self, _: &Self) -> __cqrs::Ordering {
                __cqrs::inert()
            }
        }
        impl __cqrs::hash::Hash for #ident {
            fn hash<H: __cqrs::hash::Hasher>(&self, _: &mut H) {
                __cqrs::inert()
            }
        }
        impl __cqrs::fmt::Debug for #ident {
            fn fmt(&self, _: &mut __cqrs::fmt::Formatter<'_>) -> __cqrs::fmt::Result {
                __cqrs::inert()
            }
        }
        impl __cqrs::fmt::Display for #ident {
            fn fmt(&self, _: &mut __cqrs::fmt::Formatter<'_>) -> __cqrs::fmt::Result {
                __cqrs::inert()
            }
        }
        impl __cqrs::FromStr for #ident {
            type Err = __cqrs::IdError;
            fn from_str(_: &__cqrs::str) -> __cqrs::Result<Self, __cqrs::IdError> {
                __cqrs::inert()
            }
        }
        impl __cqrs::Serialize for #ident {
            fn serialize<S: __cqrs::Serializer>(&self, _: S) -> __cqrs::Result<S::Ok, S::Error> {
                __cqrs::inert()
            }
        }
        impl<'de> __cqrs::Deserialize<'de> for #ident {
            fn deserialize<D: __cqrs::Deserializer<'de>>(_: D) -> __cqrs::Result<Self, D::Error> {
                __cqrs::inert()
            }
        }
        impl __cqrs::Id for #ident {}
    };
    generated::hidden(krate, &[], &impls)
}
