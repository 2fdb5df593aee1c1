//! Tries one way after the other to come by a server.

use super::{
    server::{Kind, Server},
    work::Work,
};
use crate::Error;

/// Gives a server, or `None` where this way is closed here; an error where it is open and leads nowhere.
pub(super) type Way = fn(&Work) -> Result<Option<Server>, Error>;

/// The first server that one of the ways gives. What failed before it is a note of it, and of the error if there is none.
pub(super) fn first(kind: Kind, ways: &[Way], how_to_give_one: &str, work: &Work) -> Result<Server, Error> {
    let mut failures = Vec::new();
    for way in ways {
        match way(work) {
            Ok(Some(server)) => return Ok(failures.into_iter().fold(server, Server::note)),
            Ok(None) => {}
            Err(error) if work.given_up() => return Err(error),
            Err(error) => failures.push(error.to_string()),
        }
    }
    let mut message = format!("no {} could be had", kind.name());
    for failure in failures {
        message.push('\n');
        message.push_str(&failure);
    }
    Err(format!("{message}\n{how_to_give_one}; --without {} leaves its tests out", kind.option()).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unnecessary_wraps, reason = "all ways look alike")]

    use super::*;

    fn closed(_: &Work) -> Result<Option<Server>, Error> {
        Ok(None)
    }

    fn broken(_: &Work) -> Result<Option<Server>, Error> {
        Err("the first one crashed".into())
    }

    fn open(_: &Work) -> Result<Option<Server>, Error> {
        Ok(Some(Server::foreign(Kind::Mongo, "mongodb://there".to_owned(), "MongoDB".to_owned())))
    }

    #[test]
    fn the_first_open_way_is_taken_and_says_what_failed_before_it() {
        let server = first(Kind::Mongo, &[closed, broken, open, broken], "", &Work::default());
        let server = server.expect("one way is open");
        assert_eq!(server.url(), "mongodb://there");
        assert_eq!(server.notes(), ["the first one crashed"]);
    }

    #[test]
    fn where_no_way_is_open_the_error_says_what_to_do() {
        let error = first(Kind::Postgres, &[closed, broken], "install one", &Work::default());
        let error = error.expect_err("no way is open").to_string();
        let expected = "no PostgreSQL could be had\nthe first one crashed\ninstall one; --without postgres leaves its \
                        tests out";
        assert_eq!(error, expected);
    }

    #[test]
    fn after_ctrl_c_no_other_way_is_tried() {
        let work = Work::default();
        work.give_up();
        let error = first(Kind::Mongo, &[broken, open], "", &work).expect_err("it is given up");
        assert_eq!(error.to_string(), "the first one crashed");
    }
}
