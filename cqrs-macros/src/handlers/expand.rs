use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, Type};

use super::{
    command::CommandHandler,
    event::{EventHandler, EventReceiver, Route},
    model::Handlers,
};
use crate::generated;

pub(super) fn impls(handlers: &Handlers) -> TokenStream {
    let model = &handlers.model;
    let ignored = handlers.ignored.iter().map(|event| ignore(model, event));
    let events = handlers.events.iter().map(|handler| event(model, handler));
    let commands = handlers.commands.iter().map(|handler| command(model, handler));
    let impls = quote! {
        #[allow(unused_imports)]
        use __cqrs::{
            BelongsAlone as _, BelongsBySet as _, BelongsNowhere as _, BelongsUnknown as _, CreatesModel as _,
            CreatesUnknown as _, KeyedByStream as _, KeyedFreely as _,
        };
        #(#ignored)*
        #(#events)*
        #(#commands)*
    };
    frame(handlers, &impls)
}

fn frame(handlers: &Handlers, impls: &TokenStream) -> TokenStream {
    // The marks are gone from the block. Said again here, they still count as a use of the user's imports.
    let marks = handlers.marks.iter().map(|mark| quote!(#[#mark(__handled)] const _: () = ();));
    let cfgs: Vec<_> = handlers.cfgs.iter().collect();
    generated::hidden(&handlers.krate, &cfgs, &quote!(#(#marks)* #impls))
}

fn event(model: &Type, handler: &EventHandler) -> TokenStream {
    let EventHandler { cfgs, event, method, receiver, context, fingerprint, .. } = handler;
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
    let head = generated::moved(quote!(impl __cqrs::Apply<#event> for #model), generated::at(event));
    let items = quote! {
        const FINGERPRINT: __cqrs::u64 = #fingerprint;
        #by_stream
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
    let items = group(Delimiter::Brace, items, generated::at(event));
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
            let add = keyed(&format_ident!("add", span = generated::at(option)));
            let key = if is_place(expression) {
                let key = cloned(expression);
                quote!(#add(#key, __keys);)
            } else {
                let ty = quote_spanned!(generated::at(option)=> __cqrs::Key<Self>);
                quote! {
                    let __key: #ty = #expression;
                    #add(__key, __keys);
                }
            };
            (Some(()), quote!(#bind let _ = __stream; #key __cqrs::Ok(())))
        }
        Route::Keys(option, expression) => {
            let bind = bind(argument);
            let add = keyed(&format_ident!("add_all", span = generated::at(option)));
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
fn bind(argument: &syn::Pat) -> TokenStream {
    quote! {
        #[allow(unused_variables, clippy::let_underscore_untyped, clippy::no_effect_underscore_binding)]
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
    let (first, last) = ends(&place.to_token_stream());
    let clone = quote_spanned!(first.resolved_at(Span::call_site())=> __cqrs::Clone::clone);
    let argument = group(Delimiter::Parenthesis, quote!(&#place), last.resolved_at(Span::call_site()));
    quote!(#clone #argument)
}

/// That the event feeds the model, and how it finds its state.
fn check_event(model: &Type, handler: &EventHandler) -> TokenStream {
    let EventHandler { event, .. } = handler;
    let belongs = belongs(model, event);
    match &handler.route {
        Route::Stream => quote_spanned!(generated::at(event)=> #belongs.by_stream();),
        Route::Key(..) | Route::Keys(..) => quote!(#belongs;),
    }
}

fn belongs(model: &Type, event: &Type) -> TokenStream {
    quote_spanned!(generated::at(event)=> (&&&__cqrs::Belongs::<#model, #event>::new()).belongs())
}

/// That the model may come into being through this handler.
fn may_create(model: &Type, method: &Ident) -> TokenStream {
    quote_spanned!(generated::at(method)=> (&&__cqrs::Creates::<#model>::new()).check();)
}

/// What an impl of `Apply` takes for granted. Said in its `where` clause, a breach gets one message.
fn sound_apply(model: &Type, event: &Type) -> TokenStream {
    let is_model = predicate(model, "Model");
    let is_event = predicate(event, "Payload");
    quote!(#is_model #is_event)
}

/// What an impl of `Handle` takes for granted.
fn sound_handle(model: &Type, handler: &CommandHandler) -> TokenStream {
    let is_aggregate = quote!(#model: __cqrs::Aggregate<Event = <#model as __cqrs::Model>::Events>,);
    let is_aggregate = generated::moved(is_aggregate, handler.method.span());
    let is_command = predicate(&handler.command, "Command");
    quote!(#is_aggregate #is_command)
}

/// `Order: Model,` where all of it shows as the user's `Order`.
fn predicate(ty: &Type, bound: &str) -> TokenStream {
    let ty = ty.to_token_stream();
    let (_, last) = ends(&ty);
    let bound = Ident::new(bound, last);
    let bound = quote_spanned!(last=> : __cqrs::#bound,);
    quote!(#ty #bound)
}

fn group(delimiter: Delimiter, tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
}

/// Where tokens begin and end.
fn ends(tokens: &TokenStream) -> (Span, Span) {
    let mut spans = tokens.clone().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

fn ignore(model: &Type, event: &Type) -> TokenStream {
    let belongs = belongs(model, event);
    let sound = sound_apply(model, event);
    let head = generated::moved(quote!(impl __cqrs::Apply<#event> for #model), generated::at(event));
    quote! {
        #[automatically_derived]
        #head
        where
            #sound
        {
            const FINGERPRINT: __cqrs::u64 = 0;
            const IGNORED: __cqrs::bool = true;
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

fn command(model: &Type, handler: &CommandHandler) -> TokenStream {
    let CommandHandler { cfgs, command, method, owned, creates, asynchronous, context, output } = handler;
    let unit = quote_spanned!(generated::at(method)=> ());
    let output = &output.as_ref().map_or(unit, |output| quote!(#output));
    let copy = if *owned { quote!(__cqrs::Command::__copy(command)) } else { quote!(command) };
    let arguments = quote!(#copy #(, <#context as __cqrs::Extract<Self>>::extract(context))*);
    let sound = sound_handle(model, handler);
    let head = generated::moved(quote!(impl __cqrs::Handle<#command> for #model), generated::at(command));
    // All that breaks for a wrong return type breaks on that type, in the same words, which are then said once.
    let (first, last) = ends(output);
    let set = quote_spanned!(last=> <Self as __cqrs::Model>::Events);
    let open = quote_spanned!(first=> <);
    let close = quote_spanned!(last=> as __cqrs::Outcome<#set>>);
    let returned = quote!(#open #output #close);
    let error = quote_spanned!(last=> #returned::Error);
    let convert = quote_spanned!(last=> #returned::into_outcome);
    let reject = quote_spanned!(last=> __cqrs::Result::map_err);
    let open = quote_spanned!(first=> __cqrs);
    let result = quote_spanned!(last=> #open::Result<__cqrs::Events<#set>, __cqrs::HandleError<Self::Error>>);
    let wait = asynchronous.then(|| quote!(.await));
    let (require, call) = if *creates {
        (
            {
                let require = quote_spanned!(last=> __cqrs::require_absent::<Self, Self::Error>);
                quote!(#require(&state)?;)
            },
            quote!(Self::#method(#arguments)#wait),
        )
    } else {
        (
            {
                let require = quote_spanned!(last=> __cqrs::require_present::<Self, Self::Error>);
                quote!(let this = #require(state)?;)
            },
            quote!(Self::#method(this, #arguments)#wait),
        )
    };
    let call = group(Delimiter::Parenthesis, call, last);
    let decided = group(Delimiter::Parenthesis, quote!(#convert #call, __cqrs::HandleError::Rejected), last);
    let decided = quote!(#reject #decided);
    let created = creates.then(|| {
        let created = may_create(model, method);
        quote! {
            #(#cfgs)*
            const _: fn() = || {
                #created
            };
        }
    });
    let items = quote! {
        type Error = #error;
        async fn handle<'a>(
            state: __cqrs::State<&'a Self>,
            command: &'a #command,
            context: __cqrs::Context<'a, Self>,
        ) -> #result {
            let _ = context;
            #require
            #decided
        }
    };
    let items = group(Delimiter::Brace, items, generated::at(command));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #head
        where
            #sound
        #items
        #created
    }
}

/// After a mistake: impls that compile, so that no other message follows from it.
pub(super) fn inert(handlers: &Handlers) -> TokenStream {
    if handlers.hopeless {
        return TokenStream::new();
    }
    let model = &handlers.model;
    let events = if handlers.unknown_event {
        inert_event(&quote!(impl<E: __cqrs::Payload>), &quote!(E), model)
    } else {
        let events = handlers.events.iter().map(|handler| {
            let (cfgs, event) = (&handler.cfgs, &handler.event);
            inert_event(&quote!(#(#cfgs)* impl), &quote!(#event), model)
        });
        let ignored = handlers.ignored.iter().map(|event| inert_event(&quote!(impl), &quote!(#event), model));
        quote!(#(#events)* #(#ignored)*)
    };
    let commands = if handlers.unknown_command {
        inert_command(&quote!(impl<C: __cqrs::Command>), &quote!(C), model)
    } else {
        let commands = handlers.commands.iter().map(|handler| {
            let (cfgs, command) = (&handler.cfgs, &handler.command);
            inert_command(&quote!(#(#cfgs)* impl), &quote!(#command), model)
        });
        quote!(#(#commands)*)
    };
    frame(handlers, &quote!(#events #commands))
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
