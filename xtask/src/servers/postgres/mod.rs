//! A `PostgreSQL` for the tests: one that runs, one that is installed, one in a container, or one that is installed now.

mod binaries;
mod container;
mod install;
mod local;
mod slow;

pub(crate) use slow::start as start_slow;

use super::{
    given,
    server::{Kind, Server},
    ways::{self, Way},
    work::Work,
};
use crate::Error;

/// The oldest that the stores support.
const OLDEST: u32 = 13;

const HOW_TO_GIVE_ONE: &str = "install PostgreSQL 13 or later (Debian: apt install postgresql), start Docker, or set \
                               CQRS_TEST_POSTGRES_URL to a superuser's URL (and CQRS_TEST_POSTGRES_BIN to the folder \
                               of initdb and postgres)";

/// In the order in which they are tried.
const WAYS: [Way; 3] = [installed, container::start, install_one];

pub(super) fn obtain(work: &Work) -> Result<Server, Error> {
    if let Some(server) = given::server(Kind::Postgres, &["postgres", "postgresql"], 5432)? {
        return Ok(with_programs(server, work));
    }
    match binaries::chosen(work)? {
        Some(binaries) => local::start(&binaries, work),
        None => ways::first(Kind::Postgres, &WAYS, HOW_TO_GIVE_ONE, work),
    }
}

fn installed(work: &Work) -> Result<Option<Server>, Error> {
    binaries::find(work).map(|binaries| local::start(&binaries, work)).transpose()
}

/// Only where there is none: one that is there and does not start is not mended by another one.
fn install_one(work: &Work) -> Result<Option<Server>, Error> {
    if binaries::find(work).is_none() && install::install(work)? { installed(work) } else { Ok(None) }
}

/// Tests that start servers of their own need programs, wherever the server is that they are given.
fn with_programs(server: Server, work: &Work) -> Server {
    match binaries::chosen(work).map(|chosen| chosen.or_else(|| binaries::find(work))) {
        Ok(Some(binaries)) => server.with_program(&binaries.folder),
        Ok(None) => {
            server.note("no PostgreSQL programs here: the tests of faults need them (--without faults)")
        }
        Err(error) => server.note(format!("the tests of faults find no PostgreSQL programs: {error}")),
    }
}
