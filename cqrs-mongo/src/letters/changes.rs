use std::collections::{BTreeMap, BTreeSet};

use cqrs_core::{
    envelope::Position,
    store::{Commit, DeadLetter, Error, ProjectionId, Sequence},
};
use mongodb::bson::{Bson, Document, doc};
use uuid::Uuid;

use super::{
    counting,
    layout::{letter, written},
    listing::found,
    of,
};
use crate::{
    document::{Wrong, integer},
    error::Failure,
    known::{Known, binary},
    names::{self, DEAD_LETTERS},
    server::Server,
    session::Session,
};

const DOING: &str = "parks events";

/// What a batch changes of the letters.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Of how many events there are letters then.
    pub(crate) parked: u64,
    /// What the checkpoint names then.
    pub(crate) mark: Option<Uuid>,
    written: Option<Written>,
}

#[derive(Debug)]
struct Written {
    id: ProjectionId,
    fence: u64,
    /// The mark of the changes before these.
    before: Option<Uuid>,
    mark: Uuid,
    /// The letters that go: those that are resolved, and those that are replaced.
    gone: Vec<Bson>,
    parked: Vec<DeadLetter>,
}

impl Changes {
    /// Those of a batch that has nothing to do with letters.
    pub(crate) fn none(known: &Known) -> Self {
        let parked = known.checkpoint.map_or(0, |checkpoint| checkpoint.parked);
        Self { parked, mark: known.letters, written: None }
    }

    /// Finds out what a batch changes of the letters that count.
    pub(crate) async fn of(server: &Server, known: &Known, commit: &Commit) -> Result<Self, Error> {
        let unchanged = Self::none(known);
        let resolved = commit.resolved.iter().map(|(sequence, position)| (*position, sequence));
        let parked: BTreeMap<(Position, &Sequence), &DeadLetter> =
            commit.parked.iter().map(|letter| ((letter.position, &letter.sequence), letter)).collect();
        let touched: BTreeSet<(Position, &Sequence)> = resolved.chain(parked.keys().copied()).collect();
        if touched.is_empty() {
            return Ok(unchanged);
        }
        let (mut gone, mut places) = (Vec::new(), BTreeSet::new());
        let mut left: BTreeSet<Position> = parked.keys().map(|(position, _)| *position).collect();
        for (id, letter) in at(server, known, &touched).await? {
            places.insert(letter.position);
            if touched.contains(&(letter.position, &letter.sequence)) {
                gone.push(id);
            } else {
                left.insert(letter.position);
            }
        }
        if gone.is_empty() && parked.is_empty() {
            return Ok(unchanged);
        }
        let count = |places: BTreeSet<Position>| u64::try_from(places.len()).unwrap_or(u64::MAX);
        let mark = Uuid::now_v7();
        let written = Written {
            id: known.id.clone(),
            fence: commit.checkpoint.fence,
            before: known.letters,
            mark,
            gone,
            parked: parked.into_values().cloned().collect(),
        };
        let parked = unchanged.parked.saturating_sub(count(places)).saturating_add(count(left));
        Ok(Self { parked, mark: Some(mark), written: Some(written) })
    }

    /// Writes the changes with the batch's mark, after the changes before are settled. Whoever does so late does no harm: what
    /// he settles is settled already, and nothing names his mark.
    pub(crate) async fn write(&self, server: &Server) -> Result<(), Failure> {
        let Some(written) = &self.written else { return Ok(()) };
        let (collection, settling) = (server.own(DEAD_LETTERS), written.settling());
        let end = doc! { "fence": integer(written.fence), "batch": binary(written.mark) };
        let (gone, letters) = (written.gone(), written.letters(true));
        let work = async move {
            if let Some((new, old)) = settling {
                collection.update_many(new, settled()).await?;
                collection.delete_many(old).await?;
            }
            if let Some(gone) = gone {
                collection.update_many(gone, doc! { "$push": { "until": end } }).await?;
            }
            if !letters.is_empty() {
                collection.insert_many(letters).await?;
            }
            Ok(())
        };
        server.call(DOING, work).await
    }

    /// Makes the changes in a transaction.
    pub(crate) async fn write_in(&self, server: &Server, session: &mut Session) -> Result<(), Failure> {
        let Some(written) = &self.written else { return Ok(()) };
        let (collection, settling) = (server.own(DEAD_LETTERS), written.settling());
        let (gone, letters) = (written.gone(), written.letters(false));
        let work = |mut session| async move {
            let done = async {
                if let Some((new, old)) = settling {
                    collection.update_many(new, settled()).session(&mut session).await?;
                    collection.delete_many(old).session(&mut session).await?;
                }
                if let Some(gone) = gone {
                    collection.delete_many(gone).session(&mut session).await?;
                }
                if !letters.is_empty() {
                    collection.insert_many(letters).session(&mut session).await?;
                }
                Ok(())
            };
            let done = done.await;
            (session, done)
        };
        session.call(server, DOING, work).await
    }
}

impl Written {
    /// Picks what the changes before have added, and what they have put an end to.
    fn settling(&self) -> Option<(Document, Document)> {
        let mark = binary(self.before?);
        let [mut new, mut old] = [of(&self.id), of(&self.id)];
        new.insert("batch", mark);
        old.insert("until.batch", mark);
        Some((new, old))
    }

    fn gone(&self) -> Option<Document> {
        (!self.gone.is_empty()).then(|| doc! { "_id": { "$in": self.gone.clone() } })
    }

    fn letters(&self, marked: bool) -> Vec<Document> {
        let of = names::checkpoint(&self.id);
        let mut letters: Vec<Document> = self.parked.iter().map(|letter| written(&of, letter)).collect();
        for letter in letters.iter_mut().filter(|_| marked) {
            letter.insert("fence", integer(self.fence));
            letter.insert("batch", binary(self.mark));
        }
        letters
    }
}

/// Makes letters count whatever the checkpoint names.
fn settled() -> Document {
    doc! { "$unset": { "batch": "", "fence": "" } }
}

/// The letters that count, at the positions of these.
async fn at(
    server: &Server,
    known: &Known,
    touched: &BTreeSet<(Position, &Sequence)>,
) -> Result<Vec<(Bson, DeadLetter)>, Error> {
    let positions: BTreeSet<i64> = touched.iter().map(|(position, _)| integer(position.get())).collect();
    let mut filter = counting(known);
    filter.insert("position", doc! { "$in": positions.into_iter().collect::<Vec<_>>() });
    let mut letters = Vec::new();
    for document in found(server, filter, doc! {}, None).await? {
        let id = document
            .get("_id")
            .map_err(Wrong::from)?
            .ok_or_else(|| Wrong::new("a dead letter has no `_id`"))?;
        let id = Bson::try_from(id).map_err(Wrong::from)?;
        letters.push((id, letter(&document)?));
    }
    Ok(letters)
}

/// Removes what batches with smaller fencing numbers have left, which will never count any more: to be called once a batch
/// with this one is written, after which the checkpoint names this mark.
pub(crate) async fn tidy(
    server: &Server,
    id: &ProjectionId,
    fence: u64,
    mark: Option<Uuid>,
) -> Result<(), Error> {
    let (collection, older) = (server.own(DEAD_LETTERS), doc! { "$lt": integer(fence) });
    let mark = mark.map_or(Bson::Null, |mark| binary(mark).into());
    let [mut parked, mut ended] = [of(id), of(id)];
    parked.insert("batch", doc! { "$exists": true, "$ne": mark.clone() });
    parked.insert("fence", older.clone());
    ended.insert("until.batch", doc! { "$exists": true });
    let ends = doc! { "$pull": { "until": { "fence": older, "batch": { "$ne": mark } } } };
    let work = async move {
        collection.delete_many(parked).await?;
        collection.update_many(ended, ends).await
    };
    Ok(server.call("tidies dead letters up", work).await.map(drop)?)
}
