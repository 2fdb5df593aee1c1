use proc_macro2::{Delimiter, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, Pat, Type};

use super::may_create;
use crate::{
    handlers::event::{EventHandler, EventReceiver, Route},
    spans,
};

pub(super) fn expand(model: &Type, handler: &EventHandler) -> TokenStream {
    let EventHandler { cfgs, event, method, receiver, context, fingerprint, .. } = handler;
    let reads_metadata = context.is_some();
    let context = context.iter().map(|ty| quote!(<#ty as __cqrs::EventContext>::of(metadata)));
    let fold = match receiver {
        EventReceiver::Creates => {
            quote!(__cqrs::create::<Self, #event>(state, || Self::#method(event #(, #context)*)))
        }
        EventReceiver::Changes => {
            quote!(__cqrs::change::<Self, #event>(state, |this| Self::#method(this, event #(, #context)*)))
        }
        EventReceiver::Replaces => {
            quote!(__cqrs::replace::<Self, #event, _>(state, |this| Self::#method(this, event #(, #context)*)))
        }
    };
    let (by_stream, route) = route(handler);
    let fingerprint = Literal::u64_suffixed(*fingerprint);
    let check = check_event(model, handler);
    let created = (*receiver == EventReceiver::Creates).then(|| may_create(model, method));
    let sound = sound_apply(model, event);
    let head = spans::moved(quote!(impl __cqrs::Apply<#event> for #model), spans::at(event));
    let items = quote! {
        const FINGERPRINT: __cqrs::u64 = #fingerprint;
        #by_stream
        const READS_METADATA: __cqrs::bool = #reads_metadata;
        #route
        fn apply(
            state: __cqrs::State<Self>,
            event: &#event,
            metadata: &__cqrs::Metadata,
        ) -> __cqrs::Result<__cqrs::State<Self>, __cqrs::FoldError> {
            let _ = metadata;
            #fold
        }
    };
    let items = spans::group(Delimiter::Brace, items, spans::at(event));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #head
        where
            #sound
        #items
        #(#cfgs)*
        const _: fn() = || {
            #check
            #created
        };
    }
}

/// The functions that find the states an event belongs to.
fn route(handler: &EventHandler) -> (Option<TokenStream>, TokenStream) {
    let EventHandler { event, argument, .. } = handler;
    let (by_stream, body) = match &handler.route {
        Route::Stream => (
            None,
            quote! {
                let _ = event;
                __cqrs::push_stream_key::<Self>(__stream, __keys)
            },
        ),
        Route::Key(option, expression) => {
            let bind = bind(argument);
            let add = keyed(&format_ident!("add", span = spans::at(option)));
            let key = if is_place(expression) {
                let key = cloned(expression);
                quote!(#add(#key, __keys);)
            } else {
                let ty = quote_spanned!(spans::at(option)=> __cqrs::Key<Self>);
                quote! {
                    let __key: #ty = #expression;
                    #add(__key, __keys);
                }
            };
            (Some(()), quote!(#bind let _ = __stream; #key __cqrs::Ok(())))
        }
        Route::Keys(option, expression) => {
            let bind = bind(argument);
            let add = keyed(&format_ident!("add_all", span = spans::at(option)));
            let keys = if is_place(expression) { cloned(expression) } else { quote!(#expression) };
            (Some(()), quote!(#bind let _ = __stream; #add(#keys, __keys); __cqrs::Ok(())))
        }
    };
    let by_stream = by_stream.map(|()| {
        quote!(
            const BY_STREAM: __cqrs::bool = false;
        )
    });
    let route = quote! {
        fn route(
            event: &#event,
            __stream: &__cqrs::str,
            __keys: &mut __cqrs::Vec<__cqrs::Key<Self>>,
        ) -> __cqrs::Result<(), __cqrs::IdError> {
            #body
        }
    };
    (by_stream, route)
}

/// Brings the handler's own name for the event into scope.
fn bind(argument: &Pat) -> TokenStream {
    quote! {
        #[allow(unused_variables)]
        let #argument = event;
    }
}

/// A plain path to a field, which is cloned.
fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        _ => false,
    }
}

/// The function that adds keys.
fn keyed(add: &Ident) -> TokenStream {
    quote!((&&__cqrs::Keyed::<Self>::new()).#add)
}

/// A copy of a field, shown in messages as the whole path to it.
fn cloned(place: &Expr) -> TokenStream {
    let (first, last) = spans::ends(&place.to_token_stream());
    let clone = quote_spanned!(first.resolved_at(Span::call_site())=> __cqrs::Clone::clone);
    let argument = spans::group(Delimiter::Parenthesis, quote!(&#place), last.resolved_at(Span::call_site()));
    quote!(#clone #argument)
}

/// That the event feeds the model, and how it finds its state.
fn check_event(model: &Type, handler: &EventHandler) -> TokenStream {
    let EventHandler { event, .. } = handler;
    let belongs = belongs(model, event);
    match &handler.route {
        Route::Stream => quote_spanned!(spans::at(event)=> #belongs.by_stream();),
        Route::Key(..) | Route::Keys(..) => quote!(#belongs;),
    }
}

fn belongs(model: &Type, event: &Type) -> TokenStream {
    quote_spanned!(spans::at(event)=> (&&&__cqrs::Belongs::<#model, #event>::new()).belongs())
}

/// What an impl of `Apply` takes for granted. Said in its `where` clause, a breach gets one message.
fn sound_apply(model: &Type, event: &Type) -> TokenStream {
    let is_model = spans::predicate(model, "Model");
    let is_event = spans::predicate(event, "Payload");
    quote!(#is_model #is_event)
}

pub(super) fn ignore(model: &Type, event: &Type) -> TokenStream {
    let belongs = belongs(model, event);
    let sound = sound_apply(model, event);
    let head = spans::moved(quote!(impl __cqrs::Apply<#event> for #model), spans::at(event));
    quote! {
        #[automatically_derived]
        #head
        where
            #sound
        {
            const FINGERPRINT: __cqrs::u64 = 0;
            const IGNORED: __cqrs::bool = true;
            const READS_METADATA: __cqrs::bool = false;
            fn route(
                _: &#event,
                _: &__cqrs::str,
                _: &mut __cqrs::Vec<__cqrs::Key<Self>>,
            ) -> __cqrs::Result<(), __cqrs::IdError> {
                __cqrs::Ok(())
            }
            fn apply(
                state: __cqrs::State<Self>,
                _: &#event,
                _: &__cqrs::Metadata,
            ) -> __cqrs::Result<__cqrs::State<Self>, __cqrs::FoldError> {
                __cqrs::Ok(state)
            }
        }
        const _: fn() = || {
            #belongs;
        };
    }
}
