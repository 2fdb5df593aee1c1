use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, FnArg, Ident, ImplItemFn, Receiver, ReceiverKind, ReturnType, Signature, Type};

use crate::{
    diagnostics::Errors,
    names,
    options::{Grammar, Known},
};

pub(super) struct CommandHandler {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) method: Ident,
    pub(super) command: Type,
    /// It takes the command by value, not by reference.
    pub(super) owned: bool,
    /// It has no `self`, and so creates the aggregate.
    pub(super) creates: bool,
    pub(super) asynchronous: bool,
    /// What it takes by reference besides the command.
    pub(super) context: Vec<Type>,
    /// `None` for `()`.
    pub(super) output: Option<Type>,
}

impl CommandHandler {
    /// It need not know whether the aggregate is there, and is asked in vain without harm.
    pub(super) fn creates_unseen(&self) -> bool {
        let is_metadata = |ty: &Type| matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Metadata"));
        self.creates && !self.asynchronous && self.context.iter().all(is_metadata)
    }
}

const OPTIONS: Grammar = Grammar { attribute: "command_handler", within: None, options: NONE };

const NONE: &[Known] = &[];

/// What a method marked as a command handler turns out to be.
pub(super) enum Read {
    Handler(CommandHandler),
    /// One of these may be the command, but not in this place.
    Mistaken([Type; 2]),
    /// A mistake hides which command it is for.
    Unknown,
}

pub(super) fn read(
    options: TokenStream,
    method: &ImplItemFn,
    cfgs: Vec<Attribute>,
    errors: &mut Errors,
) -> Read {
    OPTIONS.read_tokens(options, errors, |_, _| Ok(()));
    let signature = &method.sig;
    check_signature(signature, errors);
    check_receiver(signature.receiver(), errors);
    let mut arguments = signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let Some(first) = arguments.next() else {
        errors.at(
            &signature.ident,
            format_args!(
                "`{}` does not say which command it handles; take it after `self`: `command: PlaceOrder`",
                signature.ident
            ),
        );
        return Read::Unknown;
    };
    let (command, owned) = match &*first.ty {
        Type::Reference(reference) => {
            if reference.mutability.is_some() {
                errors.at(
                    &first.ty,
                    format_args!(
                        "a command can't be changed; take `{0}` or `&{0}`",
                        reference.elem.to_token_stream()
                    ),
                );
            }
            (&*reference.elem, false)
        }
        other => (other, true),
    };
    let (mut context, mut mistaken) = (Vec::new(), None);
    for argument in arguments {
        match &*argument.ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                context.push((*reference.elem).clone());
            }
            other => {
                errors.at(
                    argument,
                    "a command handler takes the command first, and then `&Metadata` and a reference to the aggregate's services; write one of these, or remove this, or put the command first",
                );
                if names::of_type(other).is_some() && names::of_type(command).is_some() {
                    mistaken = Some([command.clone(), other.clone()]);
                }
            }
        }
    }
    if let Some(either) = mistaken {
        return Read::Mistaken(either);
    }
    let output = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some((**ty).clone()),
    };
    if let Some(ty @ Type::ImplTrait(_)) = &output {
        errors.at(
            ty,
            "a command handler names what it returns: nothing, one event, an `Option`, `Vec`, array or tuple of events, or a `Result` of one of these",
        );
    }
    if names::of_type(command).is_none() {
        errors.at(
            command,
            "a command handler is for the commands of one type; name that type, such as `PlaceOrder`",
        );
        return Read::Unknown;
    }
    Read::Handler(CommandHandler {
        cfgs,
        method: signature.ident.clone(),
        command: command.clone(),
        owned,
        creates: signature.receiver().is_none(),
        asynchronous: signature.asyncness.is_some(),
        context,
        output,
    })
}

fn check_receiver(receiver: Option<&Receiver>, errors: &mut Errors) {
    let Some(receiver) = receiver else { return };
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => {}
        ReceiverKind::Reference(_, _, Some(_)) => errors.at(
            receiver,
            "a command handler decides and changes nothing; take `&self`, return an event, and change the state in its event handler",
        ),
        _ => errors.at(
            receiver,
            "a command handler takes `&self`, or no `self` where the command creates the aggregate; write one of these",
        ),
    }
}

/// What holds for the handlers of events and commands alike.
pub(super) fn check_signature(signature: &Signature, errors: &mut Errors) {
    if !signature.generics.params.is_empty() {
        errors.at(
            &signature.generics,
            "a handler can't be generic, as it is for one type; name the types, and let lifetimes be elided",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi, "a handler is a plain method; remove this");
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(variadic, "a handler is a plain method; remove this");
    }
    if !matches!(signature.safety, syn::Safety::Default) {
        errors.at(&signature.safety, "a handler is called by safe code; remove this");
    }
}
