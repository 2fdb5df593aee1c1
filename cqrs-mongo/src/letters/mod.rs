//! Dead letters.
//!
//! What a batch changes of them counts when the batch does, which is when the checkpoint is written. So that this is one
//! step, the changes are written before, with the batch's mark, and the checkpoint then names that mark: `Known::letters`.
//! A letter that is parked has the mark as its `batch`, and one that is resolved, or replaced, among those `until` which it
//! counts. What an abandoned batch has left has a mark that no checkpoint names, and makes no difference. The next batch
//! that changes letters first settles the changes before, then writes its own, and names its own mark. In a transaction, the
//! changes are made at once, and the checkpoint names a mark that nothing has.

mod changes;
mod layout;
mod listing;

pub(crate) use changes::{Changes, tidy};
pub(crate) use listing::{list, sequences};

use cqrs_core::store::ProjectionId;
use mongodb::{
    IndexModel,
    bson::{Bson, Document, doc},
    options::IndexOptions,
};

use crate::{
    known::{Known, binary},
    names,
};

/// Where letters are listed along, all and those of one sequence; and where those are that are not settled.
pub(crate) fn indexes() -> Vec<IndexModel> {
    let index = |name: &str, keys: Document, only: Option<Document>| {
        let options = IndexOptions::builder().name(name.to_owned()).partial_filter_expression(only).build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let with = |field: &str| Some(doc! { field: { "$exists": true } });
    vec![
        index("cqrs_by_position", doc! { "projection": 1, "position": 1 }, None),
        index("cqrs_by_sequence", doc! { "projection": 1, "sequence": 1, "position": 1 }, None),
        index("cqrs_by_batch", doc! { "projection": 1, "batch": 1 }, with("batch")),
        index("cqrs_by_end", doc! { "projection": 1, "until.batch": 1 }, with("until.batch")),
    ]
}

/// Picks all letters of a build itself, or of a partition.
pub(crate) fn of(id: &ProjectionId) -> Document {
    doc! { "projection": names::checkpoint(id) }
}

/// Picks those that count.
fn counting(known: &Known) -> Document {
    let mut filter = of(&known.id);
    match known.letters {
        None => {
            filter.insert("batch", Bson::Null);
        }
        Some(mark) => {
            filter.insert("batch", doc! { "$in": [Bson::Null, Bson::from(binary(mark))] });
            filter.insert("until.batch", doc! { "$ne": binary(mark) });
        }
    }
    filter
}
