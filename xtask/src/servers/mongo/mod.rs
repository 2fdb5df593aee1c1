//! A MongoDB for the tests: one that runs, one that is installed, one in a container, or `SecantusDB` in its place.

mod container;
mod mongod;
mod secantus;

use super::{
    given,
    server::{Kind, Server},
    ways::{self, Way},
    work::Work,
};
use crate::Error;

const HOW_TO_GIVE_ONE: &str = "install MongoDB 5 or later, start Docker, give SecantusDB what its build needs, or set \
                               CQRS_TEST_MONGO_URL to a server's URL (and CQRS_TEST_MONGO_BIN to the path of mongod \
                               or secantusd-rs)";

/// In the order in which they are tried.
const WAYS: [Way; 3] = [mongod::start, container::start, secantus::start];

pub(super) fn obtain(work: &Work) -> Result<Server, Error> {
    if let Some(server) = given::server(Kind::Mongo, &["mongodb", "mongodb+srv"], 27017)? {
        return Ok(with_program(server, work));
    }
    match chosen()? {
        Some(program) if secantus::is(&program) => secantus::run(&program, work),
        Some(program) => mongod::run(&mongod::ask(&program, work)?, work),
        None => ways::first(Kind::Mongo, &WAYS, HOW_TO_GIVE_ONE, work),
    }
}

/// What the environment chooses.
fn chosen() -> Result<Option<std::path::PathBuf>, Error> {
    let variable = Kind::Mongo.program_variable();
    let chosen = std::env::var_os(variable).filter(|value| !value.is_empty()).map(std::path::PathBuf::from);
    match chosen {
        Some(program) if !program.is_file() => {
            Err(format!("{variable} names {}, which is no file", program.display()).into())
        }
        chosen => Ok(chosen),
    }
}

/// Tests that start servers of their own need a program, wherever the server is that they are given.
fn with_program(server: Server, work: &Work) -> Server {
    match program(work) {
        Ok(Some(program)) => server.with_program(&program),
        Ok(None) => server.note("no mongod here: the tests of faults need one (--without faults)"),
        Err(error) => server.note(format!("the tests of faults find no mongod: {error}")),
    }
}

fn program(work: &Work) -> Result<Option<std::path::PathBuf>, Error> {
    if let Some(program) = chosen()? {
        return Ok(Some(program));
    }
    Ok(mongod::find(work)?.map(|mongod| mongod.program).or_else(secantus::built))
}
