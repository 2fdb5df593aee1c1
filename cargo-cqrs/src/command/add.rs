use clap::Args;

use crate::{Error, Report};

/// Add to a project
#[derive(Debug, Args)]
pub(super) struct Options {}

pub(super) fn run(_: &Options) -> Result<Report, Error> {
    Err(Error::NoProject)
}
