//! The attributes of what may have some: syn keeps them apart for each kind.

use syn::{Attribute, Expr, ImplItem, Item, Meta, Stmt, Token, punctuated::Punctuated};

macro_rules! attributes {
    ($value:expr, $kind:ident: $($variant:ident)+) => {
        match $value {
            $($kind::$variant(it) => &it.attrs,)+
            _ => &[],
        }
    };
}

pub(crate) fn of_item(item: &Item) -> &[Attribute] {
    attributes!(item, Item: Const Enum ExternCrate Fn ForeignMod Impl Macro Mod Static Struct Trait TraitAlias Type Union Use)
}

pub(crate) fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    attributes!(item, ImplItem: Const Fn Type Macro)
}

pub(crate) fn of_statement(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(it) => &it.attrs,
        Stmt::Macro(it) => &it.attrs,
        Stmt::Expr(it, _) => of_expression(it),
        Stmt::Item(it) => of_item(it),
    }
}

pub(crate) fn of_expression(expression: &Expr) -> &[Attribute] {
    attributes!(
        expression, Expr: Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop Group If
        Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range Reference Repeat Return Struct Try TryBlock Tuple
        Unary Unsafe While Yield
    )
}

/// What has them is there for tests alone: it is one, or asks for them by a `cfg`.
pub(crate) fn are_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        is_test
            || attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(|it| asks_for_tests(&it))
    })
}

fn asks_for_tests(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            parts.is_ok_and(|parts| parts.iter().any(asks_for_tests))
        }
        _ => false,
    }
}
