use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Expr, FnArg, GenericArgument, Ident, ImplItemFn, Pat, PathArguments, Receiver, ReceiverKind,
    ReturnType, Signature, Type,
};

use super::command::check_signature;
use crate::{
    diagnostics::Errors,
    fingerprint::Fingerprint,
    names,
    options::{Grammar, Known},
};

pub(super) struct EventHandler {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) method: Ident,
    pub(super) event: Type,
    /// The handler's own name for the event, in which `key` is written.
    pub(super) argument: Pat,
    pub(super) receiver: EventReceiver,
    /// The further argument, which should be `Metadata`.
    pub(super) context: Option<Type>,
    pub(super) route: Route,
    pub(super) fingerprint: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EventReceiver {
    /// No `self`: the event creates the state.
    Creates,
    /// `&mut self`
    Changes,
    /// `self`
    Replaces,
}

/// Which states the event belongs to.
pub(super) enum Route {
    Stream,
    Key(Ident, Expr),
    Keys(Ident, Expr),
}

const OPTIONS: Grammar = Grammar {
    attribute: "event_handler",
    within: None,
    options: &[
        Known { name: "key", form: "key = event.order_id" },
        Known { name: "keys", form: "keys = event.order_ids" },
    ],
};

/// The handler; `None` where a mistake hides which event it is for.
pub(super) fn read(
    options: TokenStream,
    method: &ImplItemFn,
    whole: TokenStream,
    model: &Type,
    cfgs: Vec<Attribute>,
    errors: &mut Errors,
) -> Option<EventHandler> {
    let mut route = Route::Stream;
    OPTIONS.read_tokens(options, errors, |key, value| {
        let expression = key.expression(value)?;
        if !matches!(route, Route::Stream) {
            return Err(syn::Error::new(
                key.ident().span(),
                "an event goes to one document by `key`, or to several by `keys`; remove one of the two",
            ));
        }
        route = match key.name() {
            "key" => Route::Key(key.ident().clone(), expression),
            _ => Route::Keys(key.ident().clone(), expression),
        };
        Ok(())
    });
    let signature = &method.sig;
    check_signature(signature, errors);
    if let Some(token) = &signature.asyncness {
        errors.at(
            token,
            "an event handler can't be `async`, as folding waits for nothing; remove `async`, and do the work where the event is decided",
        );
    }
    let receiver = receiver(signature.receiver(), errors);
    check_output(signature, receiver, model, errors);
    let mut arguments = signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let Some(first) = arguments.next() else {
        errors.at(
            &signature.ident,
            format_args!(
                "`{}` does not say which event it handles; take it by reference: `event: &OrderPlaced`",
                signature.ident
            ),
        );
        return None;
    };
    let event = match &*first.ty {
        Type::Reference(reference) if reference.mutability.is_none() => &reference.elem,
        Type::Reference(reference) => {
            errors.at(
                &first.ty,
                format_args!("an event can't be changed; take `&{}`", reference.elem.to_token_stream()),
            );
            &reference.elem
        }
        other => {
            errors.at(
                other,
                format_args!(
                    "an event handler takes the event by reference; write `&{}`",
                    other.to_token_stream()
                ),
            );
            &first.ty
        }
    };
    let context = arguments.next().and_then(|argument| match &*argument.ty {
        Type::Reference(reference) if reference.mutability.is_none() => Some((*reference.elem).clone()),
        other => {
            errors.at(
                other,
                "after the event an event handler takes nothing but `&Metadata`; write that, or remove this",
            );
            None
        }
    });
    for argument in arguments {
        errors.at(argument, "an event handler takes the event and perhaps `&Metadata`, no more; remove this");
    }
    if names::of_type(event).is_none() {
        errors.at(
            event,
            "an event handler is for the events of one type; name that type, such as `&OrderPlaced`",
        );
        return None;
    }
    let mut fingerprint = Fingerprint::new();
    fingerprint.tokens(whole);
    Some(EventHandler {
        cfgs,
        method: signature.ident.clone(),
        event: (**event).clone(),
        argument: (*first.pat).clone(),
        receiver,
        context,
        route,
        fingerprint: fingerprint.get(),
    })
}

/// What seems to be a command, in a handler of the shape that a command handler has, and an event handler never.
pub(super) fn command(method: &ImplItemFn, model: &Type) -> Option<Type> {
    let signature = &method.sig;
    let ReturnType::Type(_, returned) = &signature.output else { return None };
    let state = is_unit(returned) || is_model(returned, model) || is_option_of_model(returned, model);
    let argument = signature.inputs.iter().find_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    })?;
    let looks_on = signature
        .receiver()
        .is_some_and(|receiver| matches!(receiver.kind, ReceiverKind::Reference(_, _, None)));
    let (taken, owned) = match argument {
        Type::Reference(reference) => (&*reference.elem, false),
        other => (other, true),
    };
    (!state && (owned || looks_on) && names::of_type(taken).is_some()).then(|| taken.clone())
}

fn receiver(receiver: Option<&Receiver>, errors: &mut Errors) -> EventReceiver {
    let Some(receiver) = receiver else { return EventReceiver::Creates };
    match &receiver.kind {
        ReceiverKind::Value => EventReceiver::Replaces,
        ReceiverKind::Reference(_, _, Some(_)) => EventReceiver::Changes,
        ReceiverKind::Reference(_, _, None) => {
            errors.at(
                receiver,
                "an event handler changes the state; take `&mut self`, or `self` to replace or remove it",
            );
            EventReceiver::Changes
        }
        _ => {
            errors
                .at(receiver, "an event handler takes no `self`, `&mut self` or `self`; write one of these");
            EventReceiver::Changes
        }
    }
}

fn check_output(signature: &Signature, receiver: EventReceiver, model: &Type, errors: &mut Errors) {
    let returned = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) if is_unit(ty) => None,
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    if let Some(ty) = returned
        && names::of_type(ty).is_some_and(|name| name == "Result")
    {
        errors.at(
            ty,
            "an event handler can't fail, as an event is a fact; decide in the command handler, and return no `Result` here",
        );
        return;
    }
    match (receiver, returned) {
        (EventReceiver::Creates, Some(ty)) if is_model(ty, model) => {}
        (EventReceiver::Creates, Some(ty)) => {
            errors.at(ty, "an event handler without `self` creates the state; return `Self`");
        }
        (EventReceiver::Creates, None) => errors.at(
            &signature.ident,
            "an event handler without `self` creates the state; return `Self`, or take `&mut self`",
        ),
        (EventReceiver::Changes, Some(ty)) => {
            errors.at(ty, "an event handler with `&mut self` returns nothing; remove this, or take `self` instead");
        }
        (EventReceiver::Replaces, Some(ty)) if is_model(ty, model) || is_option_of_model(ty, model) => {}
        (EventReceiver::Replaces, Some(ty)) => errors.at(
            ty,
            "an event handler with `self` returns the state that follows; return `Self`, or `Option<Self>` where `None` removes it",
        ),
        (EventReceiver::Changes, None) => {}
        (EventReceiver::Replaces, None) => errors.at(
            &signature.ident,
            "an event handler with `self` returns the state that follows; return `Self` or `Option<Self>`, or take `&mut self`",
        ),
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// `Self`, or the type's own name.
fn is_model(ty: &Type, model: &Type) -> bool {
    names::of_type(ty).is_some_and(|name| name == "Self" || Some(name) == names::of_type(model))
}

fn is_option_of_model(ty: &Type, model: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    last.ident == "Option"
        && matches!(arguments.args.first(), Some(GenericArgument::Type(inner)) if is_model(inner, model))
}
