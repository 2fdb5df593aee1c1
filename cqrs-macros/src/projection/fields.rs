use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Field, GenericArgument, Ident, LitStr, Path, PathArguments, Type};

use super::serialised::Container;
use crate::{
    diagnostics::Errors,
    options::{Grammar, Known},
};

/// A field that queries look documents up by.
pub(super) struct Index {
    pub(super) field: Ident,
    pub(super) ty: Type,
    /// That of the field in the stored document.
    pub(super) name: LitStr,
    /// The function that names it in a query.
    pub(super) accessor: Ident,
}

const ON_FIELD: Grammar =
    Grammar { attribute: "projection", within: None, options: &[Known { name: "index", form: "index" }] };

const INDEX: Grammar = Grammar {
    attribute: "projection",
    within: Some("index"),
    options: &[Known { name: "accessor", form: "accessor = by_customer" }],
};

pub(super) fn indexes(input: &DeriveInput, errors: &mut Errors) -> Vec<Index> {
    let projection = &input.ident;
    let container = Container::read(&input.attrs);
    let index = |field, errors: &mut Errors| index(field, &container, errors);
    match &input.data {
        Data::Struct(data) => data.fields.iter().filter_map(|field| index(field, errors)).collect(),
        Data::Enum(data) => {
            for field in data.variants.iter().flat_map(|variant| &variant.fields) {
                if let Some(index) = index(field, errors) {
                    errors.at(
                        &index.field,
                        format_args!(
                            "an index needs a field that each document has, but this one is in a variant; make `{projection}` a struct"
                        ),
                    );
                }
            }
            Vec::new()
        }
        Data::Union(_) => {
            errors.at(projection, "a projection is a struct or an enum, not a union");
            Vec::new()
        }
    }
}

fn index(field: &Field, container: &Container, errors: &mut Errors) -> Option<Index> {
    let mut marked = None;
    let mut inner = None;
    let mut nested = TokenStream::new();
    ON_FIELD.read(&field.attrs, errors, |key, value| {
        marked = Some(key.ident().clone());
        if !value.is_empty() && value.peek(syn::token::Paren) {
            nested = key.nested(value)?;
        }
        Ok(())
    });
    let marked = marked?;
    INDEX.read_tokens(nested, errors, |key, value| {
        inner = Some(key.identifier(value)?);
        Ok(())
    });
    let Some(ident) = &field.ident else {
        errors.at(marked, "an index carries its field's name, but this field has none; give it one");
        return None;
    };
    if let Some(what) = unfit(&field.ty) {
        errors.at(
            &field.ty,
            format_args!(
                "{what} can't be an index; an index takes text, whole numbers within `i64`, floats, booleans, ids, `Uuid`, `DateTime`, enums without fields, and an `Option` of one of these"
            ),
        );
    }
    if is_timestamp(&field.ty) {
        errors.at(
            &field.ty,
            "a `Timestamp` can't be an index, as its text does not sort by time; use `DateTime`, which is a moment in every read store: `DateTime::from(metadata.time)`",
        );
    }
    Some(Index {
        name: container.name_of(field, ident, errors),
        accessor: inner.unwrap_or_else(|| ident.clone()),
        field: ident.clone(),
        ty: field.ty.clone(),
    })
}

/// What a type obviously is, where that is stored as more than one value.
fn unfit(ty: &Type) -> Option<String> {
    match ty {
        Type::Array(_) => Some("an array".to_owned()),
        Type::Slice(_) => Some("a slice".to_owned()),
        Type::Tuple(_) => Some("a tuple".to_owned()),
        Type::Reference(reference) => unfit(&reference.elem).or_else(|| Some("a reference".to_owned())),
        Type::Group(group) => unfit(&group.elem),
        Type::Paren(paren) => unfit(&paren.elem),
        Type::Path(path) => {
            if let Some(inner) = wrapped(&path.path) {
                return unfit(inner);
            }
            let last = path.path.segments.last()?;
            COLLECTIONS.iter().find(|name| last.ident == *name).map(|name| format!("a `{name}`"))
        }
        _ => None,
    }
}

/// The type in an `Option` or a `Box`.
fn wrapped(path: &Path) -> Option<&Type> {
    let last = path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" || last.ident == "Box" => {
            match arguments.args.first()? {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

/// By its name; a path from elsewhere than `jiff` or the prelude is another type.
fn is_timestamp(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_timestamp(&group.elem),
        Type::Paren(paren) => is_timestamp(&paren.elem),
        Type::Path(path) => {
            if let Some(inner) = wrapped(&path.path) {
                return is_timestamp(inner);
            }
            let mut segments = path.path.segments.iter().rev();
            segments.next().is_some_and(|last| last.ident == "Timestamp" && last.arguments.is_none())
                && segments.next().is_none_or(|from| from.ident == "jiff" || from.ident == "prelude")
        }
        _ => false,
    }
}

const COLLECTIONS: [&str; 9] =
    ["Vec", "VecDeque", "LinkedList", "BinaryHeap", "HashMap", "BTreeMap", "HashSet", "BTreeSet", "IndexMap"];
