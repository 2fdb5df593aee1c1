//! The gates of a build's collection: documents of the store's own in it, one for the build itself and one for each
//! partition, with its largest fencing number and with its incarnation. Each command that writes documents passes it with its first
//! statement, and ends there where it must not pass. So what was sent too late writes nothing, however long it was held up.
//! See docs/adr/0017-mongodb-fencing.md.

use cqrs_core::store::{Error, Partition, ProjectionId};
use mongodb::bson::{Document, RawDocumentBuf, doc, raw::cstr, rawdoc};
use uuid::Uuid;

use crate::{
    document::{Wrong, integer, number},
    error::code,
    known::{Known, binary, uuid_of},
    names,
    server::Server,
};

const FENCE: &str = "_cqrs.fence";

/// A list of one, so that a statement which adds what is in it changes nothing.
const INCARNATIONS: &str = "_cqrs.incarnations";

/// What the server answers to a command that must not pass. Where the statement finds no document, it is about to insert
/// one, in which the incarnation is no list that anything could be added to: `BadValue`.
pub(crate) const SHUT: [i32; 3] = [2, 14, code::DUPLICATE_KEY];

/// What a batch shows at the gate.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) collection: String,
    partition: Partition,
    incarnation: Uuid,
    fence: u64,
}

/// What a gate says to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// A batch with this fencing number, which is larger, has passed.
    Fenced(u64),
    /// The collection is gone, or belongs to a build that was begun later.
    Gone,
}

impl Pass {
    pub(crate) fn of(known: &Known, fence: u64) -> Self {
        Self {
            collection: names::documents(&known.id),
            partition: known.id.partition,
            incarnation: known.incarnation,
            fence,
        }
    }

    /// The statement that passes the gate, or ends its command.
    pub(crate) fn statement(&self) -> RawDocumentBuf {
        let incarnation = mongodb::bson::Binary::from(binary(self.incarnation));
        let mut gate = rawdoc! { "_cqrs": "gate" };
        if !self.partition.is_whole() {
            gate.append(cstr!("partition"), self.partition.to_string());
        }
        rawdoc! {
            "q": {
                "_id": gate,
                "_cqrs.incarnations": incarnation.clone(),
                "_cqrs.fence": { "$lte": integer(self.fence) },
            },
            "u": { "$addToSet": { "_cqrs.incarnations": incarnation } },
            "upsert": true,
        }
    }

    /// Keeps out all batches with smaller fencing numbers from now on.
    pub(crate) async fn raise(&self, server: &Server) -> Result<Gate, Error> {
        let mut filter = id(self.partition);
        filter.insert(INCARNATIONS, binary(self.incarnation));
        filter.insert(FENCE, doc! { "$lte": integer(self.fence) });
        let change = doc! { "$set": { FENCE: integer(self.fence) } };
        let collection = server.own(&self.collection);
        let work = async move { collection.update_one(filter, change).await };
        if server.call("takes a projection over", work).await?.matched_count == 1 {
            return Ok(Gate::Open);
        }
        self.look(server).await
    }

    /// Asks a gate that was shut for the reason.
    pub(crate) async fn look(&self, server: &Server) -> Result<Gate, Error> {
        Ok(match find(server, &self.collection, self.partition).await? {
            Some(Found { incarnation, fence }) if incarnation == self.incarnation => {
                if fence > self.fence {
                    Gate::Fenced(fence)
                } else {
                    Gate::Open
                }
            }
            _ => Gate::Gone,
        })
    }
}

/// Sets the gate up for a build, where it is not.
pub(crate) async fn set_up(server: &Server, known: &Known) -> Result<(), Error> {
    const DOING: &str = "prepares a projection";
    let (name, partition) = (names::documents(&known.id), known.id.partition);
    let gate = doc! { "fence": integer(known.fence()), "incarnations": [binary(known.incarnation)] };
    loop {
        let collection = server.own(&name);
        match find(server, &name, partition).await? {
            None => {
                let mut document = id(partition);
                document.insert("_cqrs", gate.clone());
                match server.call(DOING, async move { collection.insert_one(document).await }).await {
                    // Another one was quicker.
                    Err(error) if error.code() == Some(code::DUPLICATE_KEY) => {}
                    inserted => return Ok(inserted.map(drop)?),
                }
            }
            Some(found) if found.incarnation == known.incarnation => return Ok(()),
            Some(found) => {
                let mut filter = id(partition);
                filter.insert(INCARNATIONS, binary(found.incarnation));
                let change = doc! { "$set": { "_cqrs": gate.clone() } };
                server.call(DOING, async move { collection.update_one(filter, change).await }).await?;
            }
        }
    }
}

/// Takes the gate of a partition away: what comes later does not pass.
pub(crate) async fn take_down(server: &Server, partition: &ProjectionId) -> Result<(), Error> {
    let (collection, filter) = (server.own(&names::documents(partition)), id(partition.partition));
    server.call("removes a partition", async move { collection.delete_one(filter).await }).await?;
    Ok(())
}

/// No key is a document.
fn id(partition: Partition) -> Document {
    let mut gate = doc! { "_cqrs": "gate" };
    if !partition.is_whole() {
        gate.insert("partition", partition.to_string());
    }
    doc! { "_id": gate }
}

struct Found {
    incarnation: Uuid,
    fence: u64,
}

async fn find(server: &Server, collection: &str, partition: Partition) -> Result<Option<Found>, Error> {
    let documents = server.own(collection).clone_with_type::<RawDocumentBuf>();
    let found = server.call("reads a gate", async move { documents.find_one(id(partition)).await }).await?;
    let read = |document: &RawDocumentBuf| -> Result<Found, Wrong> {
        let gate = document.get_document("_cqrs")?;
        let first = gate.get_array("incarnations")?.into_iter().next().transpose()?;
        let incarnation = first.and_then(uuid_of);
        let fence = gate.get("fence")?.and_then(number);
        incarnation.zip(fence).map(|(incarnation, fence)| Found { incarnation, fence }).ok_or_else(|| {
            Wrong::new(format!("the gate of {collection}, `{}`, is not as it was set up", id(partition)))
        })
    };
    Ok(found.as_ref().map(read).transpose()?)
}

/// That a build's collection is gone, or another one's.
pub(crate) fn gone(id: &ProjectionId) -> Error {
    let what =
        format!("the collection of {id} was removed, or made anew: the projection has to be prepared again");
    crate::error::unavailable("writes documents", what)
}
