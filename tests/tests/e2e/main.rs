//! The order service, from outside: real processes, real files, real HTTP.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

/// Makes a test for each choice of stores of functions that take one.
macro_rules! on_each_store {
    ($($name:ident,)+) => {
        mod memory {
            $(#[test]
            fn $name() {
                super::$name($crate::stores::Stores::Memory);
            })+
        }

        on_shared_stores! { $($name,)+ }
    };
}

/// The same for stores that several processes can share.
macro_rules! on_shared_stores {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name($crate::stores::Stores::Sqlite);
            })+
        }

        mod postgres {
            $(#[test]
            fn $name() {
                super::$name($crate::stores::Stores::Postgres);
            })+

            /// Events there, views here.
            mod mongo {
                $(#[test]
                fn $name() {
                    super::super::$name($crate::stores::Stores::PostgresAndMongo);
                })+
            }
        }
    };
}

mod binary;
mod chance;
mod deadline;
mod file;
mod fleet;
mod http;
mod load;
mod log;
mod many;
mod model;
mod orders;
mod place;
mod ports;
mod proxy;
mod runtime;
mod servers;
mod service;
mod sql;
mod stores;
mod wire;

mod away;
mod bad_input;
mod commands;
mod crash;
mod damage;
mod faults;
mod idempotency;
mod lag;
mod live;
mod metrics;
mod operations;
mod owners;
mod poison;
mod processes;
mod projector;
mod queries;
mod read_your_writes;
mod rebuilds;
mod replica;
mod soak;
mod starting;
mod stopping;
mod trees;
mod verify;
