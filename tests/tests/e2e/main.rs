//! The order service, from outside: real processes, real files, real HTTP.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::missing_panics_doc)]

mod binary;
mod chance;
mod crash;
mod deadline;
mod http;
mod log;
mod model;
mod orders;
mod service;
mod wire;
