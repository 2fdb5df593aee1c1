use cqrs_core::{domain::Projection, envelope::Position};
use mongodb::bson::RawDocumentBuf;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::document::{key, stored};

/// A document as the driver's own queries return it; see [`MongoViewStore::collection`](crate::MongoViewStore::collection).
///
/// It is read as by the framework's queries, so it needs all fields of the projection: a query of the driver must not
/// leave some out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored<P: Projection> {
    /// Its key.
    pub key: P::Key,
    /// The position of the event that created it.
    pub created: Position,
    /// The position of the last event that is folded into it.
    pub applied: Position,
    /// The document.
    pub document: P,
}

impl<'de, P: Projection> Deserialize<'de> for Stored<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawDocumentBuf::deserialize(deserializer)?;
        let read = stored(&raw).map_err(D::Error::custom)?;
        let Some(data) = read.data else {
            return Err(D::Error::custom(format!(
                "the document {:?} is removed, and only its trace is left",
                read.key
            )));
        };
        let unreadable = |error| D::Error::custom(format!("the document {:?}: {error}", read.key));
        Ok(Self {
            document: data.parse().map_err(unreadable)?,
            key: key(&read.key).map_err(D::Error::custom)?,
            created: read.created,
            applied: read.applied,
        })
    }
}
