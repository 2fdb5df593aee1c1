use proc_macro2::{Delimiter, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use super::may_create;
use crate::{handlers::command::CommandHandler, spans};

pub(super) fn expand(model: &Type, handler: &CommandHandler) -> TokenStream {
    let CommandHandler { cfgs, command, method, owned, creates, asynchronous, context, output } = handler;
    let unit = quote_spanned!(spans::at(method)=> ());
    let output = &output.as_ref().map_or(unit, |output| quote!(#output));
    let copy = if *owned { quote!(__cqrs::Command::__copy(command)) } else { quote!(command) };
    let arguments = quote!(#copy #(, <#context as __cqrs::Extract<Self>>::extract(context))*);
    let sound = sound_handle(model, handler);
    let head = spans::moved(quote!(impl __cqrs::Handle<#command> for #model), spans::at(command));
    // All that breaks for a wrong return type breaks on that type, in the same words, which are then said once.
    let (first, last) = spans::ends(output);
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
    let call = spans::group(Delimiter::Parenthesis, call, last);
    let decided =
        spans::group(Delimiter::Parenthesis, quote!(#convert #call, __cqrs::HandleError::Rejected), last);
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
    let items = spans::group(Delimiter::Brace, items, spans::at(command));
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

/// What an impl of `Handle` takes for granted.
fn sound_handle(model: &Type, handler: &CommandHandler) -> TokenStream {
    let is_aggregate = quote!(#model: __cqrs::Aggregate<Event = <#model as __cqrs::Model>::Events>,);
    let is_aggregate = spans::moved(is_aggregate, handler.method.span());
    let is_command = spans::predicate(&handler.command, "Command");
    quote!(#is_aggregate #is_command)
}
