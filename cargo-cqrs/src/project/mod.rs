//! What a project is made of.

mod blank;
mod choice;
mod files;
mod layout;
mod lock;
mod plan;
mod service;
mod source;

pub(crate) use choice::{Read, Roles, Stores, Write, word};
pub(crate) use files::Files;
pub(crate) use layout::{Layout, Project};
pub(crate) use plan::Plan;
pub(crate) use source::{Source, address, revision, version};
