//! What PostgreSQL can't hold is found before it is sent, so that the error names the document.

use cqrs_core::{
    domain::IndexValue,
    envelope::Json,
    store::{Change, Commit, CommitError, Data, DocumentWrite, Error, ProjectionId},
};

use super::{
    commit::{Batch, Rows},
    dead_letter::Letters,
    documents::Documents,
    value,
};
use crate::database::integer;

/// The longest key, in bytes: it stands in every index, beside the indexed value.
const MAX_KEY: usize = 1_024;

/// The most bytes of documents that one statement writes, as long as it is more than one document. PostgreSQL takes
/// 1 GiB, but needs a multiple of it in memory.
pub(super) const MAX_STATEMENT: usize = 32 << 20;

/// Arranges a batch for its statements.
///
/// # Errors
///
/// [`CommitError::TooLarge`] and [`CommitError::Unfit`] for a document that is too long or can't be held, and
/// [`Error::Invalid`] for one whose indexed values are not as many as the indexes.
pub(super) fn batch(
    documents: &Documents,
    projection: &ProjectionId,
    commit: Commit,
    document_bytes: usize,
) -> Result<Batch, CommitError> {
    let checking = Checking { documents, projection, document_bytes };
    let mut all = Vec::new();
    let (mut rows, mut bytes) = (checking.rows(commit.documents.len()), 0);
    for DocumentWrite { key, created, applied, change } in commit.documents {
        checking.key(&key)?;
        let (data, values) = match change {
            Change::Put { data, indexes } => (Some(checking.data(&key, data)?), Some(indexes)),
            Change::Remove => (None, None),
        };
        if let Some(values) = &values {
            checking.values(&key, values)?;
        }
        bytes += data.as_ref().map_or(0, Json::len);
        if bytes > MAX_STATEMENT && !rows.keys.is_empty() {
            all.push(std::mem::replace(&mut rows, checking.rows(0)));
            bytes = data.as_ref().map_or(0, Json::len);
        }
        rows.keys.push(key);
        rows.created.push(integer(created.get()));
        rows.applied.push(integer(applied.get()));
        rows.data.push(data);
        rows.push_values(values.as_deref());
    }
    if !rows.keys.is_empty() {
        all.push(rows);
    }
    Ok(Batch {
        projection: projection.clone(),
        expected: commit.expected,
        checkpoint: commit.checkpoint,
        documents: all,
        letters: Letters::new(&commit.parked, &commit.resolved),
    })
}

struct Checking<'a> {
    documents: &'a Documents,
    projection: &'a ProjectionId,
    document_bytes: usize,
}

impl Checking<'_> {
    fn rows(&self, capacity: usize) -> Rows {
        Rows {
            keys: Vec::with_capacity(capacity),
            created: Vec::with_capacity(capacity),
            applied: Vec::with_capacity(capacity),
            data: Vec::with_capacity(capacity),
            indexes: vec![Vec::with_capacity(capacity); self.documents.indexes.len()],
        }
    }

    fn projection(&self) -> ProjectionId {
        self.projection.clone()
    }

    fn unfit(&self, key: &str, reason: String) -> CommitError {
        unfit(self.projection(), key, reason)
    }

    fn key(&self, key: &str) -> Result<(), CommitError> {
        if key.len() > MAX_KEY {
            return Err(self.unfit(
                key,
                format!("its key has {} bytes, but PostgreSQL indexes up to {MAX_KEY}", key.len()),
            ));
        }
        if !can_be_key(key) {
            return Err(
                self.unfit(key, "its key has the character U+0000, which PostgreSQL has not".to_owned())
            );
        }
        Ok(())
    }

    fn data(&self, key: &str, data: Data) -> Result<Json, CommitError> {
        let text = data.into_text().map_err(|error| self.unfit(key, error.to_string()))?;
        if text.len() > self.document_bytes {
            return Err(CommitError::TooLarge {
                projection: self.projection(),
                key: key.to_owned(),
                size: text.len(),
                limit: self.document_bytes,
            });
        }
        Ok(text)
    }

    fn values(&self, key: &str, values: &[IndexValue]) -> Result<(), CommitError> {
        let (projection, indexes) = (self.projection, &self.documents.indexes);
        if values.len() != indexes.len() {
            return Err(Error::invalid(format!(
                "the document {key:?} of {projection} has {} index values, but {} indexes are declared",
                values.len(),
                indexes.len()
            ))
            .into());
        }
        for (index, value) in indexes.iter().zip(values) {
            if let IndexValue::Text(text) = value
                && text.len() > value::MAX_TEXT
            {
                return Err(self.unfit(
                    key,
                    format!(
                        "its indexed value `{index}` has {} bytes, but PostgreSQL indexes up to {}: index a shorter \
                         field, such as a hash of it",
                        text.len(),
                        value::MAX_TEXT
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// No document has another key.
pub(super) fn can_be_key(key: &str) -> bool {
    !key.contains('\0')
}

pub(super) fn unfit(projection: ProjectionId, key: &str, reason: String) -> CommitError {
    CommitError::Unfit { projection, key: key.to_owned(), reason }
}
