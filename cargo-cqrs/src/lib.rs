#![doc = include_str!("../README.md")]

mod addition;
mod ask;
mod cli;
mod command;
mod edit;
mod error;
mod format;
mod interrupt;
mod name;
mod place;
mod project;
mod report;
mod run;
mod template;

use error::Error;
use report::Report;
pub use run::run;
