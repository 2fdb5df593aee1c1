use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, Path, Token, Type, parse::ParseStream,
    parse_quote, punctuated::Punctuated, spanned::Spanned,
};

use super::{
    command::{CommandHandler, Read},
    event::EventHandler,
};
use crate::{
    diagnostics::Errors,
    options::{Grammar, Known, default_crate},
};

/// A `#[handlers]` block.
pub(super) struct Handlers {
    pub(super) krate: Path,
    pub(super) model: Type,
    pub(super) cfgs: Vec<Attribute>,
    /// The marks as the user writes them, each once.
    pub(super) marks: Vec<Path>,
    pub(super) ignored: Vec<Type>,
    pub(super) events: Vec<EventHandler>,
    pub(super) commands: Vec<CommandHandler>,
    /// What handlers of another kind, or in another place, than that of the command seem to take as one.
    pub(super) mistaken_commands: Vec<Type>,
    /// A mistake hides which event a handler is for.
    pub(super) unknown_event: bool,
    /// A mistake hides which command a handler is for.
    pub(super) unknown_command: bool,
    /// A mistake that leaves no type to implement anything for.
    pub(super) hopeless: bool,
}

const OPTIONS: Grammar = Grammar {
    attribute: "handlers",
    within: None,
    options: &[
        Known { name: "ignore", form: "ignore(OrderArchived)" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

/// Reads the block, and takes the attributes of the handlers off it.
pub(super) fn read(options: TokenStream, block: &mut ItemImpl, errors: &mut Errors) -> Handlers {
    let (mut ignored, mut krate) = (Vec::new(), None);
    OPTIONS.read_tokens(options, errors, |key, value| {
        match key.name() {
            "ignore" => ignored = key.list(value, types)?,
            _ => krate = Some(key.crate_path(value)?),
        }
        Ok(())
    });
    let mut handlers = Handlers {
        krate: krate.unwrap_or_else(default_crate),
        model: (*block.self_ty).clone(),
        cfgs: cfgs(&block.attrs),
        marks: Vec::new(),
        ignored,
        events: Vec::new(),
        commands: Vec::new(),
        mistaken_commands: Vec::new(),
        unknown_event: false,
        unknown_command: false,
        hopeless: !check_block(block, errors),
    };
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            read_method(method, &mut handlers, errors);
        }
    }
    check_distinct(&mut handlers, errors);
    let none = handlers.events.is_empty() && handlers.commands.is_empty() && handlers.ignored.is_empty();
    if none && errors.is_empty() {
        errors.at(
            &handlers.model,
            format_args!(
                "this `#[handlers]` block of `{}` has no handler; mark methods with `#[event_handler]` or `#[command_handler]`, or remove `#[handlers]`",
                handlers.model.to_token_stream()
            ),
        );
    }
    handlers
}

fn types(input: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    let types: Punctuated<Type, Token![,]> = input.call(Punctuated::parse_terminated)?;
    Ok(types.into_iter().collect())
}

/// Whether impls can be written beside the block.
fn check_block(block: &ItemImpl, errors: &mut Errors) -> bool {
    let mut sound = true;
    if let Some((path, _)) = &block.trait_ {
        errors.at(
            path,
            format_args!(
                "`#[handlers]` stands on an inherent impl block; write `impl {} {{ … }}`",
                block.self_ty.to_token_stream()
            ),
        );
        sound = false;
    }
    if !block.generics.params.is_empty() {
        errors.at(
            &block.generics,
            "a `#[handlers]` block can't be generic, as aggregates and projections are not",
        );
        sound = false;
    }
    sound
}

fn read_method(method: &mut ImplItemFn, handlers: &mut Handlers, errors: &mut Errors) {
    let whole = method.to_token_stream();
    let (marks, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut method.attrs).into_iter().partition(|attribute| Mark::of(attribute).is_some());
    method.attrs = others;
    for attribute in &method.attrs {
        if attribute.path().is_ident("cfg_attr") && hides_mark(attribute) {
            errors.at(
                attribute,
                "`#[handlers]` can't see a handler's mark inside of `cfg_attr`; write `#[cfg(…)]` and the mark, each on its own",
            );
        }
    }
    for path in marks.iter().map(Attribute::path) {
        let same = |other: &Path| other.to_token_stream().to_string() == path.to_token_stream().to_string();
        if !handlers.marks.iter().any(same) {
            handlers.marks.push(path.clone());
        }
    }
    let mut marks = marks.iter();
    let Some(mark) = marks.next() else { return };
    for other in marks {
        errors.at(other, "a method handles one event or one command; remove one of the two marks");
    }
    let options = match &mark.meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) => TokenStream::new(),
        Meta::NameValue(_) => {
            errors.at(mark, "options stand in parentheses, such as `#[event_handler(key = event.order_id)]`");
            TokenStream::new()
        }
    };
    let cfgs = cfgs(&method.attrs);
    if matches!(Mark::of(mark), Some(Mark::Event)) {
        if let Some(command) = super::event::command(method, &handlers.model) {
            errors.at(
                &command,
                format_args!(
                    "an event handler takes an event by reference, and returns the state or nothing; is `{}` a command? then mark `{}` with `#[command_handler]`",
                    command.to_token_stream(),
                    method.sig.ident
                ),
            );
            handlers.mistaken_commands.push(command);
        } else {
            match super::event::read(options, method, whole, &handlers.model, cfgs, errors) {
                Some(handler) => handlers.events.push(handler),
                None => handlers.unknown_event = true,
            }
        }
    } else {
        match super::command::read(options, method, cfgs, errors) {
            Read::Handler(handler) => handlers.commands.push(handler),
            Read::Mistaken(either) => handlers.mistaken_commands.extend(either),
            Read::Unknown => handlers.unknown_command = true,
        }
    }
    // A handler's shape says what it does: whether it creates, follows, changes or removes. Clippy can't know.
    method.attrs.push(parse_quote!(
        #[allow(
            clippy::needless_pass_by_value,
            clippy::trivially_copy_pass_by_ref,
            clippy::unnecessary_wraps,
            clippy::unused_async,
            clippy::unused_self
        )]
    ));
}

/// What a method is marked as.
enum Mark {
    Event,
    Command,
}

impl Mark {
    fn of(attribute: &Attribute) -> Option<Self> {
        let name = &attribute.path().segments.last()?.ident;
        if name == "event_handler" {
            Some(Self::Event)
        } else if name == "command_handler" {
            Some(Self::Command)
        } else {
            None
        }
    }
}

fn hides_mark(attribute: &Attribute) -> bool {
    let tokens = attribute.meta.to_token_stream().to_string();
    tokens.contains("event_handler") || tokens.contains("command_handler")
}

pub(super) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// One handler for each event and each command; the second one is left out.
fn check_distinct(handlers: &mut Handlers, errors: &mut Errors) {
    let mut events: Vec<(String, Option<Ident>)> = Vec::new();
    let model = handlers.model.to_token_stream().to_string();
    handlers.events.retain(|handler| {
        if !handler.cfgs.is_empty() {
            return true;
        }
        let event = handler.event.to_token_stream().to_string();
        let same = events.iter().find(|(other, _)| *other == event).and_then(|(_, method)| method.as_ref());
        if let Some(first) = same {
            errors.at(
                &handler.event,
                format_args!(
                    "`{first}` handles the event `{event}` already; merge the two handlers into one"
                ),
            );
            return false;
        }
        events.push((event, Some(handler.method.clone())));
        true
    });
    handlers.ignored.retain(|ignored| {
        let event = ignored.to_token_stream().to_string();
        match events.iter().find(|(other, _)| *other == event) {
            Some((_, Some(method))) => errors.at(
                ignored,
                format_args!("`{event}` is ignored here, but `{method}` handles it; remove one of the two"),
            ),
            Some((_, None)) => {
                errors.at(ignored, format_args!("`{event}` is listed twice; remove one of the two"));
            }
            None => {
                events.push((event, None));
                return true;
            }
        }
        false
    });
    let mut commands: Vec<(String, Ident)> = Vec::new();
    handlers.commands.retain(|handler| {
        if !handler.cfgs.is_empty() {
            return true;
        }
        let command = handler.command.to_token_stream().to_string();
        if let Some((_, first)) = commands.iter().find(|(other, _)| *other == command) {
            errors.add(syn::Error::new(
                handler.command.span(),
                format_args!(
                    "`{first}` of `{model}` handles the command `{command}` already; merge the two handlers into one"
                ),
            ));
            return false;
        }
        commands.push((command, handler.method.clone()));
        true
    });
}
