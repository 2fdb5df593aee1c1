use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use super::{
    ledger::Ledger,
    order::{Ordered, holds},
};
use crate::{
    domain::IndexValue,
    envelope::{Json, Position},
    store::{
        After, Build, Change, Checkpoint, Commit, CommitError, Comparison, Direction, DocumentWrite, Error,
        Find, OrderBy, Partition, ProjectionId, ProjectionSpec, StoredDocument,
    },
};

/// What a [`MemoryViewStore`](super::MemoryViewStore) keeps of one build.
#[derive(Default)]
pub(super) struct Table {
    /// Of the build itself, and of each of its partitions.
    ledgers: BTreeMap<Partition, Ledger>,
    /// `None` before it is prepared.
    indexes: Option<Vec<Index>>,
    documents: HashMap<Arc<str>, Document>,
    /// The documents that exist, in the order of their creation.
    created: BTreeSet<(Position, Arc<str>)>,
}

struct Index {
    name: String,
    entries: BTreeSet<(Ordered, Arc<str>)>,
}

struct Document {
    created: Position,
    applied: Position,
    data: Option<Json>,
    /// In the order of [`Table::indexes`]; none where it is removed.
    values: Vec<IndexValue>,
}

/// A change of one document, with its text and its indexed values where it is not removed.
struct Write {
    key: String,
    created: Position,
    applied: Position,
    content: Option<(Json, Vec<IndexValue>)>,
}

impl Document {
    fn stored(&self, key: &str) -> StoredDocument {
        StoredDocument {
            key: key.to_owned(),
            created: self.created,
            applied: self.applied,
            data: self.data.clone(),
        }
    }
}

impl Table {
    pub(super) fn prepare(&mut self, spec: &ProjectionSpec) -> Result<(), Error> {
        let old = self.indexes.as_deref().unwrap_or_default();
        let origins: Vec<Option<usize>> = spec
            .indexes
            .iter()
            .map(|wanted| old.iter().position(|index| index.name == wanted.name))
            .collect();
        if let Some(new) = origins.iter().position(Option::is_none)
            && !self.created.is_empty()
        {
            return Err(Error::invalid(format!(
                "the index `{}` of {} is new, but documents without it exist; raise the projection's version",
                spec.indexes[new].name, spec.id
            )));
        }
        let mut old: Vec<Option<Index>> =
            self.indexes.take().unwrap_or_default().into_iter().map(Some).collect();
        let moved = origins.iter().zip(&spec.indexes).map(|(origin, wanted)| {
            origin
                .and_then(|origin| old[origin].take())
                .unwrap_or_else(|| Index { name: wanted.name.to_owned(), entries: BTreeSet::new() })
        });
        self.indexes = Some(moved.collect());
        self.ledger(Partition::WHOLE).fingerprint.get_or_insert(spec.fingerprint);
        self.ledger(spec.id.partition).fingerprint = Some(spec.fingerprint);
        for document in self.documents.values_mut().filter(|document| document.data.is_some()) {
            document.values =
                origins.iter().flatten().map(|origin| document.values[*origin].clone()).collect();
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> Option<StoredDocument> {
        self.documents.get(key).map(|document| document.stored(key))
    }

    /// Checks all before it changes anything.
    pub(super) fn commit(
        &mut self,
        projection: &ProjectionId,
        mut commit: Commit,
        max_document_bytes: usize,
    ) -> Result<(), CommitError> {
        let ledger = self.ledgers.get(&projection.partition).filter(|ledger| ledger.fingerprint.is_some());
        let (Some(indexes), Some(ledger)) = (&self.indexes, ledger) else {
            return Err(Error::invalid(format!("{projection} was never prepared; prepare it first")).into());
        };
        ledger.check(projection, &commit)?;
        let unfit = |key: &str, error: serde_json::Error| CommitError::Unfit {
            projection: projection.clone(),
            key: key.to_owned(),
            reason: error.to_string(),
        };
        let mut writes = Vec::with_capacity(commit.documents.len());
        for DocumentWrite { key, created, applied, change } in std::mem::take(&mut commit.documents) {
            let content = match change {
                Change::Put { data, indexes } => {
                    Some((data.into_text().map_err(|error| unfit(&key, error))?, indexes))
                }
                Change::Remove => None,
            };
            writes.push(Write { key, created, applied, content });
        }
        for write in &writes {
            let Some((data, values)) = &write.content else { continue };
            if data.len() > max_document_bytes {
                return Err(CommitError::TooLarge {
                    projection: projection.clone(),
                    key: write.key.clone(),
                    size: data.len(),
                    limit: max_document_bytes,
                });
            }
            if values.len() != indexes.len() {
                return Err(Error::invalid(format!(
                    "the document {:?} of {projection} has {} indexed values, but {} indexes are declared",
                    write.key,
                    values.len(),
                    indexes.len()
                ))
                .into());
            }
        }
        for write in writes {
            self.write(write);
        }
        self.ledger(projection.partition).write(commit);
        Ok(())
    }

    /// Removes the build, or one partition of it.
    pub(super) fn remove(&mut self, partition: Partition) {
        if !partition.is_whole() {
            return self.ledger(partition).clear();
        }
        let mut ledgers = std::mem::take(&mut self.ledgers);
        ledgers.values_mut().for_each(Ledger::clear);
        *self = Self { ledgers, ..Self::default() };
    }

    pub(super) fn ledger(&mut self, partition: Partition) -> &mut Ledger {
        self.ledgers.entry(partition).or_default()
    }

    pub(super) fn known(&self, partition: Partition) -> Option<&Ledger> {
        self.ledgers.get(&partition)
    }

    pub(super) fn checkpoint(&self, partition: Partition) -> Option<Checkpoint> {
        self.known(partition)?.checkpoint
    }

    /// What is known of the build and of its partitions, where they are prepared.
    pub(super) fn builds<'t>(&'t self, id: &'t ProjectionId) -> impl Iterator<Item = Build> + 't {
        self.ledgers.iter().filter_map(|(partition, ledger)| ledger.build(id.partition(*partition)))
    }

    fn write(&mut self, write: Write) {
        let key: Arc<str> = match self.documents.get_key_value(write.key.as_str()) {
            Some((key, old)) => {
                let key = Arc::clone(key);
                if old.data.is_some() {
                    self.created.remove(&(old.created, Arc::clone(&key)));
                    for (index, value) in self.indexes.iter_mut().flatten().zip(&old.values) {
                        index.entries.remove(&(Ordered(value.clone()), Arc::clone(&key)));
                    }
                }
                key
            }
            None => write.key.into(),
        };
        let (data, values) = match write.content {
            Some((data, indexes)) => (Some(data), indexes),
            None => (None, Vec::new()),
        };
        if data.is_some() {
            self.created.insert((write.created, Arc::clone(&key)));
            for (index, value) in self.indexes.iter_mut().flatten().zip(&values) {
                index.entries.insert((Ordered(value.clone()), Arc::clone(&key)));
            }
        }
        let document = Document { created: write.created, applied: write.applied, data, values };
        self.documents.insert(key, document);
    }

    pub(super) fn find(&self, projection: &ProjectionId, find: &Find) -> Result<Vec<StoredDocument>, Error> {
        let Some(indexes) = &self.indexes else { return Ok(Vec::new()) };
        let place = |name: &str| {
            indexes.iter().position(|index| index.name == name).ok_or_else(|| {
                let known: Vec<&str> = indexes.iter().map(|index| index.name.as_str()).collect();
                Error::invalid(format!("{projection} has no index `{name}`, only {known:?}"))
            })
        };
        let filters = find
            .filters
            .iter()
            .map(|filter| Ok((place(&filter.index)?, &filter.comparison)))
            .collect::<Result<Vec<_>, Error>>()?;
        let fitting = self.fitting(indexes, &filters);
        let keys = match (&find.order, &find.after) {
            (OrderBy::Created, None | Some(After::Created(..))) => {
                let after = find.after.as_ref().and_then(|after| match after {
                    After::Created(position, key) => Some((*position, Arc::from(key.as_str()))),
                    After::Index(..) => None,
                });
                let rank = |document: &Document| document.created;
                page(&self.created, fitting, rank, after, find)
            }
            (OrderBy::Index(name), None | Some(After::Index(..))) => {
                let index = place(name)?;
                let after = find.after.as_ref().and_then(|after| match after {
                    After::Index(value, key) => Some((Ordered(value.clone()), Arc::from(key.as_str()))),
                    After::Created(..) => None,
                });
                let rank = |document: &Document| Ordered(document.values[index].clone());
                page(&indexes[index].entries, fitting, rank, after, find)
            }
            (order, Some(after)) => {
                return Err(Error::invalid(format!("{after:?} is no place in the order {order:?}")));
            }
        };
        Ok(keys.iter().filter_map(|key| self.get(key)).collect())
    }

    /// The documents that all filters pick; `None` where there are no filters.
    fn fitting(
        &self,
        indexes: &[Index],
        filters: &[(usize, &Comparison)],
    ) -> Option<Vec<(&Arc<str>, &Document)>> {
        let narrowest = filters
            .iter()
            .find(|(_, comparison)| matches!(comparison, Comparison::OneOf(_)))
            .or(filters.first());
        let (index, comparison) = narrowest?;
        let entries = &indexes[*index].entries;
        let from = |value: &IndexValue| entries.range((Ordered(value.clone()), Arc::from(""))..);
        let candidates: Box<dyn Iterator<Item = &Arc<str>>> = match comparison {
            Comparison::OneOf(values) => Box::new(values.iter().flat_map(|value| {
                let wanted = Ordered(value.clone());
                from(value).take_while(move |(value, _)| *value == wanted).map(|(_, key)| key)
            })),
            Comparison::Within { from: Some(first), .. } => Box::new(from(first).map(|(_, key)| key)),
            Comparison::Within { from: None, .. } => Box::new(entries.iter().map(|(_, key)| key)),
        };
        let fits = |document: &Document| {
            filters
                .iter()
                .all(|(index, comparison)| holds(comparison, &Ordered(document.values[*index].clone())))
        };
        let documents = candidates.filter_map(|key| self.documents.get_key_value(key));
        Some(documents.filter(|(_, document)| fits(document)).collect())
    }
}

/// The keys of one page, out of all documents in their order or of those that fit.
fn page<R: Ord>(
    all: &BTreeSet<(R, Arc<str>)>,
    fitting: Option<Vec<(&Arc<str>, &Document)>>,
    rank: impl Fn(&Document) -> R,
    after: Option<(R, Arc<str>)>,
    find: &Find,
) -> Vec<Arc<str>> {
    let fitting: Option<BTreeSet<(R, Arc<str>)>> = fitting.map(|documents| {
        documents.into_iter().map(|(key, document)| (rank(document), Arc::clone(key))).collect()
    });
    let sorted = fitting.as_ref().unwrap_or(all);
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    let key = |(_, key): &(R, Arc<str>)| Arc::clone(key);
    match find.direction {
        Direction::Ascending => sorted.range((after, Bound::Unbounded)).take(find.limit).map(key).collect(),
        Direction::Descending => {
            sorted.range((Bound::Unbounded, after)).rev().take(find.limit).map(key).collect()
        }
    }
}
