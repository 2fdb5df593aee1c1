use proc_macro2::{Delimiter, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use super::may_create;
use crate::{handlers::command::CommandHandler, spans};

pub(super) fn expand(model: &Type, handler: &CommandHandler) -> TokenStream {
    let CommandHandler { cfgs, command, method, owned, creates, asynchronous, context, output } = handler;
    let unit = quote_spanned!(spans::at(method)=> ());
    let output = &output.as_ref().map_or(unit, |output| quote!(#output));
    let copy = if *owned { quote!((&&__cqrs::ByValue(command)).copy()) } else { quote!(command) };
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
    let wait = asynchronous.then(|| quote_spanned!(last=> .await));
    let (require, call) = if *creates {
        (
            {
                let require = quote_spanned!(last=> __cqrs::require_absent::<Self, Self::Error>);
                quote!(#require(&state)?;)
            },
            quote_spanned!(last=> Self::#method(#arguments)#wait),
        )
    } else {
        (
            {
                let require = quote_spanned!(last=> __cqrs::require_present::<Self, Self::Error>);
                quote!(let this = #require(state)?;)
            },
            quote_spanned!(last=> Self::#method(this, #arguments)#wait),
        )
    };
    let call = spans::group(Delimiter::Parenthesis, call, last);
    let decided =
        spans::group(Delimiter::Parenthesis, quote!(#convert #call, __cqrs::HandleError::Rejected), last);
    let decided = quote!(#reject #decided);
    let created = creates.then(|| may_create(model, method));
    let is_command = quote!(__cqrs::check_command::<#command>(););
    let is_command = spans::moved(is_command, spans::at(command));
    let rejection = quote_spanned!(first=> type);
    let decide = quote_spanned!(first=> async fn handle<'a>);
    let body = quote!(let _ = context; #require #decided);
    let body = spans::group(Delimiter::Brace, body, last);
    let arguments = quote!((
        state: __cqrs::State<&'a Self>,
        command: &'a #command,
        context: __cqrs::Context<'a, Self>,
    ));
    let arguments = spans::moved(arguments, last);
    let unseen =
        handler.creates_unseen().then(|| quote_spanned!(last=> const CREATES_UNSEEN: __cqrs::bool = true;));
    let items = quote_spanned! {last=>
        #rejection Error = #error;
        #unseen
        #decide #arguments -> #result #body
    };
    let items = spans::group(Delimiter::Brace, items, spans::at(command));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #head
        where
            #sound
        #items
        #(#cfgs)*
        const _: fn() = || {
            #is_command
            #created
        };
    }
}

/// What an impl of `Handle` takes for granted.
fn sound_handle(model: &Type, handler: &CommandHandler) -> TokenStream {
    let is_aggregate = quote!(#model: __cqrs::Aggregate<Event = <#model as __cqrs::Model>::Events>,);
    spans::moved(is_aggregate, handler.method.span())
}
