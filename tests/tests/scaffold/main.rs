//! Projects that `cargo cqrs` makes: each compiles, passes its own tests, and answers the contract of the demo, whose checks are
//! those of the end-to-end tests.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

/// Makes a list of functions that take stores, to be run on whichever stores a project has.
macro_rules! on_each_store {
    ($($name:ident,)+) => {
        pub(crate) const RULES: &[(&str, fn(crate::stores::Stores))] = &[$((stringify!($name), $name),)+];
    };
}

macro_rules! on_shared_stores {
    ($($name:ident,)+) => { on_each_store! { $($name,)+ } };
}

/// What the end-to-end tests bring; not all of it is needed here.
macro_rules! from_end_to_end {
    ($($path:literal $name:ident,)+) => {
        $(#[allow(dead_code, unused_imports, reason = "other tests need the rest of it")]
        #[path = $path]
        mod $name;)+
    };
}

from_end_to_end! {
    "../e2e/bad_input.rs" bad_input,
    "../e2e/commands.rs" commands,
    "../e2e/deadline.rs" deadline,
    "../e2e/file.rs" file,
    "../e2e/http.rs" http,
    "../e2e/idempotency.rs" idempotency,
    "../e2e/log.rs" log,
    "../e2e/many.rs" many,
    "../e2e/model.rs" model,
    "../e2e/operations.rs" operations,
    "../e2e/orders.rs" orders,
    "../e2e/place.rs" place,
    "../e2e/ports.rs" ports,
    "../e2e/processes.rs" processes,
    "../e2e/queries.rs" queries,
    "../e2e/runtime.rs" runtime,
    "../e2e/servers/mod.rs" servers,
    "../e2e/service.rs" service,
    "../e2e/sql.rs" sql,
    "../e2e/wire.rs" wire,
}

mod added;
mod binary;
mod blank;
mod combinations;
mod project;
mod readme;
mod shell;
mod stores;
