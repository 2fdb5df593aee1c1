use syn::{Data, DeriveInput, Fields, Ident, LitStr, Path, Type};

use crate::{
    diagnostics::Errors,
    generated, names,
    options::{Grammar, Known, default_crate},
};

pub(super) struct Command {
    pub(super) ident: Ident,
    pub(super) krate: Path,
    pub(super) aggregate: Type,
    pub(super) name: LitStr,
    /// The field that holds the aggregate's id.
    pub(super) id: Option<Id>,
    pub(super) fields: Vec<Ident>,
    /// Generics are a mistake; with them even inert impls would not compile.
    pub(super) generic: bool,
}

pub(super) struct Id {
    pub(super) field: Ident,
    pub(super) ty: Type,
}

const ON_STRUCT: Grammar = Grammar {
    attribute: "command",
    within: None,
    options: &[
        Known { name: "aggregate", form: "aggregate = Order" },
        Known { name: "name", form: "name = \"place_order\"" },
        Known { name: "crate", form: "crate = path::to::cqrs_core" },
    ],
};

const ON_FIELD: Grammar =
    Grammar { attribute: "command", within: None, options: &[Known { name: "id", form: "id" }] };

pub(super) fn read(input: DeriveInput, errors: &mut Errors) -> Command {
    let (mut aggregate, mut name, mut krate) = (None, None, None);
    ON_STRUCT.read(&input.attrs, errors, |key, value| {
        match key.name() {
            "aggregate" => aggregate = Some(key.ty(value)?),
            "name" => name = Some(key.text(value)?),
            _ => krate = Some(key.crate_path(value)?),
        }
        Ok(())
    });
    let ident = input.ident;
    if errors.is_empty() && aggregate.is_none() {
        errors.at(
            &ident,
            format_args!(
                "`{ident}` names no aggregate; add `#[command(aggregate = …)]` with the type that decides it"
            ),
        );
    }
    let generic = !input.generics.params.is_empty();
    if generic {
        errors
            .at(&input.generics, "a command can't be generic, as it is stored by name; use a type for each");
    }
    if let Some(name) = &name {
        names::check("the command's name", "place_order", name, errors);
    }
    let (id, fields) = read_fields(&ident, input.data, errors);
    Command {
        krate: krate.unwrap_or_else(default_crate),
        aggregate: aggregate.unwrap_or_else(generated::unknown),
        name: name.unwrap_or_else(|| LitStr::new(&names::snake_case(&names::plain(&ident)), ident.span())),
        id,
        fields,
        ident,
        generic,
    }
}

fn read_fields(command: &Ident, data: Data, errors: &mut Errors) -> (Option<Id>, Vec<Ident>) {
    let Data::Struct(data) = data else {
        errors.at(
            command,
            format_args!("a command is a struct; write `struct {command} {{ #[command(id)] id: …, … }}`, one for each command"),
        );
        return (None, Vec::new());
    };
    let Fields::Named(named) = data.fields else {
        errors.at(
            command,
            format_args!(
                "a command has named fields; write `struct {command} {{ #[command(id)] id: …, … }}`"
            ),
        );
        return (None, Vec::new());
    };
    let (mut id, mut fields, mut sound) = (None, Vec::new(), true);
    for field in named.named {
        let Some(ident) = field.ident else { continue };
        let mut here = Errors::default();
        let mut marked = false;
        ON_FIELD.read(&field.attrs, &mut here, |_, _| {
            marked = true;
            Ok(())
        });
        sound &= here.is_empty();
        errors.append(here);
        match &id {
            Some(Id { field: first, .. }) if marked => errors.at(
                &ident,
                format_args!("a command has one id, and `{first}` is it already; remove one of the two `#[command(id)]`"),
            ),
            None if marked => id = Some(Id { field: ident.clone(), ty: field.ty }),
            _ => {}
        }
        fields.push(ident);
    }
    if id.is_none() && sound {
        errors.at(
            command,
            format_args!(
                "`{command}` does not say which instance decides it; mark the field that holds the aggregate's id with `#[command(id)]`"
            ),
        );
    }
    (id, fields)
}
