use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{LitStr, Type};

use super::model::{Id, Kind};
use crate::{generated, names, spans};

pub(super) fn impls(id: &Id) -> TokenStream {
    let Some(inner) = &id.inner else { return TokenStream::new() };
    let Id { ident, krate, .. } = id;
    let name = LitStr::new(&names::plain(ident), ident.span());
    let own = match id.kind {
        Kind::Uuid => uuid(id, inner, &name),
        Kind::Text => text(id, inner, &name),
        Kind::Number => number(id, inner, &name),
    };
    let values = values(id);
    let impls = quote! {
        #values
        #own
        #[automatically_derived]
        impl __cqrs::fmt::Debug for #ident {
            fn fmt(&self, f: &mut __cqrs::fmt::Formatter<'_>) -> __cqrs::fmt::Result {
                f.debug_tuple(#name).field(&self.0).finish()
            }
        }
        #[automatically_derived]
        impl __cqrs::fmt::Display for #ident {
            fn fmt(&self, f: &mut __cqrs::fmt::Formatter<'_>) -> __cqrs::fmt::Result {
                __cqrs::fmt::Display::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl __cqrs::Id for #ident {}
    };
    generated::hidden(krate, &[], &impls)
}

/// Comparison and copying, as those of the inner value.
fn values(id: &Id) -> TokenStream {
    let Id { ident, kind, .. } = id;
    let (clone, copy) = if *kind == Kind::Text {
        (quote!(Self(__cqrs::Clone::clone(&self.0))), None)
    } else {
        (
            quote!(*self),
            Some(quote! {
                #[automatically_derived]
                impl __cqrs::Copy for #ident {}
            }),
        )
    };
    quote! {
        #[automatically_derived]
        impl __cqrs::Clone for #ident {
            fn clone(&self) -> Self {
                #clone
            }
        }
        #copy
        #[automatically_derived]
        impl __cqrs::PartialEq for #ident {
            fn eq(&self, other: &Self) -> __cqrs::bool {
                __cqrs::PartialEq::eq(&self.0, &other.0)
            }
        }
        #[automatically_derived]
        impl __cqrs::Eq for #ident {}
        #[automatically_derived]
        impl __cqrs::PartialOrd for #ident {
            fn partial_cmp(&self, other: &Self) -> __cqrs::Option<__cqrs::Ordering> {
                __cqrs::Some(__cqrs::Ord::cmp(self, other))
            }
        }
        #[automatically_derived]
        impl __cqrs::Ord for #ident {
            fn cmp(&self, other: &Self) -> __cqrs::Ordering {
                __cqrs::Ord::cmp(&self.0, &other.0)
            }
        }
        #[automatically_derived]
        impl __cqrs::hash::Hash for #ident {
            fn hash<H: __cqrs::hash::Hasher>(&self, state: &mut H) {
                __cqrs::hash::Hash::hash(&self.0, state);
            }
        }
    }
}

/// The user's own check of a value.
fn validated(id: &Id, name: &LitStr) -> Option<TokenStream> {
    id.validate.as_ref().map(|validate| {
        let value = if id.kind == Kind::Text { quote!(&value) } else { quote!(value) };
        let check = quote_spanned!(spans::at(validate)=> #validate(#value));
        quote!(__cqrs::check(#check, #name, &value)?;)
    })
}

/// Ids whose JSON is their text.
fn serde_as_text(id: &Id) -> TokenStream {
    let ident = &id.ident;
    quote! {
        #[automatically_derived]
        impl __cqrs::Serialize for #ident {
            fn serialize<S: __cqrs::Serializer>(&self, serializer: S) -> __cqrs::Result<S::Ok, S::Error> {
                __cqrs::serialize_text(self, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> __cqrs::Deserialize<'de> for #ident {
            fn deserialize<D: __cqrs::Deserializer<'de>>(deserializer: D) -> __cqrs::Result<Self, D::Error> {
                __cqrs::deserialize_text(deserializer)
            }
        }
    }
}

/// From the inner value: always, or where it is valid.
fn conversion(id: &Id, inner: &Type, validated: Option<&TokenStream>) -> TokenStream {
    let ident = &id.ident;
    match validated {
        None => quote! {
            #[automatically_derived]
            impl __cqrs::From<#inner> for #ident {
                fn from(value: #inner) -> Self {
                    Self(value)
                }
            }
        },
        Some(validated) => quote! {
            #[automatically_derived]
            impl __cqrs::TryFrom<#inner> for #ident {
                type Error = __cqrs::IdError;
                fn try_from(value: #inner) -> __cqrs::Result<Self, __cqrs::IdError> {
                    #validated
                    __cqrs::Ok(Self(value))
                }
            }
        },
    }
}

fn uuid(id: &Id, inner: &Type, name: &LitStr) -> TokenStream {
    let Id { ident, vis, validate, .. } = id;
    let validated = validated(id, name);
    let generate = validate.is_none().then(|| {
        quote! {
            /// A new one: a UUIDv7, which sorts by time.
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #vis fn generate() -> Self {
                Self(__cqrs::generate_uuid())
            }
        }
    });
    let conversion = conversion(id, inner, validated.as_ref());
    let serde = serde_as_text(id);
    quote! {
        #[automatically_derived]
        impl #ident {
            /// The UUID.
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #vis const fn as_uuid(&self) -> #inner {
                self.0
            }

            #generate
        }
        #conversion
        #[automatically_derived]
        impl __cqrs::FromStr for #ident {
            type Err = __cqrs::IdError;
            fn from_str(text: &__cqrs::str) -> __cqrs::Result<Self, __cqrs::IdError> {
                __cqrs::convert(__cqrs::parse::<#inner>(#name, text)?)
            }
        }
        #serde
    }
}

fn text(id: &Id, inner: &Type, name: &LitStr) -> TokenStream {
    let Id { ident, vis, validate, .. } = id;
    let validated = validated(id, name);
    let generate = validate.is_none().then(|| {
        quote! {
            /// A new one: the text of a UUIDv7, which sorts by time.
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #vis fn generate() -> Self {
                Self(__cqrs::ToString::to_string(&__cqrs::generate_uuid()))
            }
        }
    });
    let serde = serde_as_text(id);
    quote! {
        #[automatically_derived]
        impl #ident {
            /// Checks a text and wraps it.
            ///
            /// # Errors
            ///
            /// Where the text is empty, longer than 255 bytes, has a control character, or breaks a rule of the type.
            #[allow(dead_code, unreachable_pub)]
            #vis fn new(text: impl __cqrs::Into<#inner>) -> __cqrs::Result<Self, __cqrs::IdError> {
                let value: #inner = __cqrs::Into::into(text);
                __cqrs::check_text(#name, &value)?;
                #validated
                __cqrs::Ok(Self(value))
            }

            /// The text.
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #vis fn as_str(&self) -> &__cqrs::str {
                &self.0
            }

            #generate
        }
        #[automatically_derived]
        impl __cqrs::FromStr for #ident {
            type Err = __cqrs::IdError;
            fn from_str(text: &__cqrs::str) -> __cqrs::Result<Self, __cqrs::IdError> {
                Self::new(text)
            }
        }
        #[automatically_derived]
        impl __cqrs::TryFrom<&__cqrs::str> for #ident {
            type Error = __cqrs::IdError;
            fn try_from(text: &__cqrs::str) -> __cqrs::Result<Self, __cqrs::IdError> {
                Self::new(text)
            }
        }
        #[automatically_derived]
        impl __cqrs::TryFrom<#inner> for #ident {
            type Error = __cqrs::IdError;
            fn try_from(text: #inner) -> __cqrs::Result<Self, __cqrs::IdError> {
                Self::new(text)
            }
        }
        #serde
    }
}

fn number(id: &Id, inner: &Type, name: &LitStr) -> TokenStream {
    let Id { ident, vis, .. } = id;
    let validated = validated(id, name);
    let conversion = conversion(id, inner, validated.as_ref());
    quote! {
        #[automatically_derived]
        impl #ident {
            /// The number.
            #[must_use]
            #[allow(dead_code, unreachable_pub)]
            #vis const fn get(&self) -> #inner {
                self.0
            }
        }
        #conversion
        #[automatically_derived]
        impl __cqrs::FromStr for #ident {
            type Err = __cqrs::IdError;
            fn from_str(text: &__cqrs::str) -> __cqrs::Result<Self, __cqrs::IdError> {
                __cqrs::convert(__cqrs::parse::<#inner>(#name, text)?)
            }
        }
        #[automatically_derived]
        impl __cqrs::Serialize for #ident {
            fn serialize<S: __cqrs::Serializer>(&self, serializer: S) -> __cqrs::Result<S::Ok, S::Error> {
                __cqrs::Serialize::serialize(&self.0, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> __cqrs::Deserialize<'de> for #ident {
            fn deserialize<D: __cqrs::Deserializer<'de>>(deserializer: D) -> __cqrs::Result<Self, D::Error> {
                __cqrs::deserialize_number::<#inner, _, _>(deserializer)
            }
        }
    }
}
