use proc_macro2::TokenStream;
use syn::{Data, Field, Ident, LitStr, Type};

use crate::{
    diagnostics::Errors,
    names,
    options::{Grammar, Known},
};

/// A field that queries look documents up by.
pub(super) struct Index {
    pub(super) field: Ident,
    pub(super) ty: Type,
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

pub(super) fn indexes(projection: &Ident, data: &Data, errors: &mut Errors) -> Vec<Index> {
    match data {
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

fn index(field: &Field, errors: &mut Errors) -> Option<Index> {
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
    Some(Index {
        name: LitStr::new(&names::plain(ident), ident.span()),
        accessor: inner.unwrap_or_else(|| ident.clone()),
        field: ident.clone(),
        ty: field.ty.clone(),
    })
}
