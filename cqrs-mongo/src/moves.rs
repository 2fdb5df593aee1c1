//! Checkpoints that are moved without documents: those of all partitions that have nothing to apply, say. One look and one command
//! do for all of them.

use std::collections::HashMap;

use cqrs_core::store::{Checkpoint, Commit, Error, ProjectionId};
use mongodb::bson::{Document, doc};

use crate::{
    builds,
    commit::{Ready, Writer},
    error::Failure,
    known::{self, Known},
    names::{self, CHECKPOINTS},
    server::Server,
};

const DOING: &str = "moves checkpoints";

/// A move, and with what it may be made.
pub(crate) struct Move<'a> {
    pub(crate) writer: Writer<'a>,
    pub(crate) commit: Commit,
}

impl Move<'_> {
    /// What it changes, where it may be made just like that on what is known.
    fn on(&self, known: Option<&Known>) -> Option<Ready> {
        let known = self.writer.fits(known.cloned(), &self.commit).ok()?;
        let ready = Ready { known, rows: Vec::new(), commit: self.commit.clone() };
        (!ready.takes_over()).then_some(ready)
    }
}

/// Makes moves of different projections. Each answer is the new checkpoint; `None` where it was not made, which is to be tried
/// alone, as that tells why.
pub(crate) async fn make(server: &Server, moves: &[Move<'_>]) -> Result<Vec<Option<Checkpoint>>, Error> {
    let mut made = vec![None; moves.len()];
    let ids = || moves.iter().map(|it| it.writer.projection);
    let known = known_of(server, ids()).await?;
    let mut ready: Vec<(usize, Checkpoint)> = Vec::new();
    let mut statements = Vec::new();
    for (nth, it) in moves.iter().enumerate() {
        if let Some(known) = it.on(known.get(it.writer.projection)) {
            let (filter, change, checkpoint) = known.advance_alone();
            statements.push(doc! { "q": filter, "u": change });
            ready.push((nth, checkpoint));
        }
    }
    let most = server.limits.statements;
    for (ready, statements) in ready.chunks(most).zip(statements.chunks(most)) {
        match update(server, statements.to_vec()).await {
            Ok(matched) if matched == ready.len() => {
                for (nth, checkpoint) in ready {
                    made[*nth] = Some(*checkpoint);
                }
                continue;
            }
            // Which ones were made is not said.
            Ok(_) => {}
            // The driver does not repeat this command, as it does with single writes.
            Err(failure) if failure.is_of_the_way() => {}
            Err(failure) => return Err(failure.into()),
        }
        let now = known_of(server, ready.iter().map(|(nth, _)| moves[*nth].writer.projection)).await?;
        for (nth, checkpoint) in ready {
            let found = now.get(moves[*nth].writer.projection).and_then(|known| known.checkpoint);
            let is_there = found.is_some_and(|found| known::written(&found) == known::written(checkpoint));
            made[*nth] = is_there.then_some(*checkpoint);
        }
    }
    Ok(made)
}

async fn known_of(
    server: &Server,
    ids: impl Iterator<Item = &ProjectionId>,
) -> Result<HashMap<ProjectionId, Known>, Error> {
    let ids: Vec<_> = ids.map(names::checkpoint).collect();
    let known = builds::known(server, doc! { "_id": { "$in": ids } }, "reads checkpoints").await?;
    Ok(known.into_iter().map(|known| (known.id.clone(), known)).collect())
}

/// How many of the statements have found what they were made for.
async fn update(server: &Server, statements: Vec<Document>) -> Result<usize, Failure> {
    let concern = Document::try_from(&*server.write_concern.raw).expect("a write concern is sound");
    let command = doc! {
        "update": CHECKPOINTS, "updates": statements, "ordered": false, "maxTimeMS": server.max_time_ms(), "writeConcern": concern,
    };
    let database = server.database.clone();
    let reply = server.call(DOING, async move { database.run_command(command).await }).await?;
    matched(&reply).map_err(|failure| failure.at(&server.place))
}

/// A statement that the server does not take has matched nothing, and is told by whoever tries it alone; that it does not
/// last is told for all.
fn matched(reply: &Document) -> Result<usize, Failure> {
    Failure::of_write_concern(DOING, reply)?;
    let number = reply.get_i32("n").ok().and_then(|number| usize::try_from(number).ok());
    number.ok_or(Failure::nonsense(DOING, "it is not said how many checkpoints were found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_were_made_is_what_the_server_says() {
        assert_eq!(matched(&doc! { "ok": 1, "n": 3, "nModified": 2 }).expect("a number"), 3);
        let refused =
            doc! { "ok": 1, "n": 1, "writeErrors": [{ "index": 0, "code": 121, "errmsg": "a rule" }] };
        assert_eq!(matched(&refused).expect("the others were made"), 1);
        let late =
            doc! { "ok": 1, "n": 2, "writeConcernError": { "code": 64, "errmsg": "it takes too long" } };
        let error = Error::from(matched(&late).expect_err("it may not last"));
        assert!(error.is_retryable(), "{error}");
        matched(&doc! { "ok": 1 }).expect_err("nothing is said");
    }
}
