//! `cargo xtask test`: every check and test of the project, in stages.
//!
//! A stage either starts cargo ([`mod@run`]) or looks for itself (`deny`, `deps`, `msrv`). Which test target runs in
//! which stage is said once, in [`targets`]; what no stage claims runs in `unit`, so that nothing is left out.

mod browser;
mod count;
mod deny;
mod deps;
mod licence;
mod msrv;
mod options;
mod outcome;
mod report;
mod run;
mod stage;
mod targets;
mod without;

pub(crate) use count::Count;
pub(crate) use options::{Options, run};
