//! The servers that tests run against: found, or started on free ports in temporary folders, and stopped again.
//!
//! Each kind of server has a module that says by which ways it is come by ([`mod@postgres`], [`mod@mongo`]). A server that this
//! program starts stands under a guard, a process of its own ([`mod@guard`]), and in a folder that a later run clears where even
//! the guard was killed ([`mod@folder`]).

mod command;
mod docker;
mod folder;
mod given;
mod guard;
mod launch;
mod leftover;
mod mongo;
mod packages;
mod port;
mod postgres;
mod random;
mod server;
mod start;
mod url;
mod user;
mod version;
mod ways;
mod work;

pub(crate) use command::{Options, run};
pub(crate) use guard::{Options as GuardOptions, run as guard};
pub(crate) use postgres::start_slow as start_slow_postgres;
pub(crate) use server::{Kind, Server};
pub(crate) use start::Servers;
