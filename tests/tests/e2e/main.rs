//! The order service, from outside: real processes, real files, real HTTP.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

/// Makes a test for each store of functions that take one.
macro_rules! on_each_store {
    ($($name:ident,)+) => {
        mod memory {
            $(#[test]
            fn $name() {
                super::$name($crate::service::Stores::Memory);
            })+
        }

        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name($crate::service::Stores::Sqlite);
            })+
        }
    };
}

mod binary;
mod chance;
mod deadline;
mod http;
mod log;
mod model;
mod orders;
mod ports;
mod proxy;
mod runtime;
mod service;
mod wire;

mod away;
mod bad_input;
mod commands;
mod crash;
mod idempotency;
mod operations;
mod poison;
mod projector;
mod queries;
mod read_your_writes;
mod starting;
mod stopping;
mod trees;
