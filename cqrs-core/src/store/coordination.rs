use std::{fmt, time::Duration};

use super::{BoxFuture, Error};
use crate::envelope::Json;

/// Something that the processes that share a read store tell each other, such as who runs a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key, unique in its group.
    pub key: String,
    /// Counts how often it was put, from 1.
    pub revision: u64,
    /// What it says.
    pub value: Json,
    /// The time since it was put or touched last, by the store's own clock: no other clock plays a part.
    pub age: Duration,
}

/// Keeps what processes tell each other: a few small entries in groups, changed by compare-and-set.
///
/// Leases and requests are made of it; all that they mean is in the core. Its promises:
///
/// 1. Of several writers who know the same revision of an entry just one puts it.
/// 2. Whoever reads after an answer sees what was answered.
/// 3. An entry's age is measured by the store's clock alone, and goes on while the program that put it does not run.
pub trait CoordinationStore: Send + Sync + fmt::Debug + 'static {
    /// All entries of a group, by key.
    fn entries<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>>;

    /// Puts an entry, if its revision is still the `expected` one; zero, if it is not there. Answers with the new
    /// revision, or with `None` where it is another one.
    fn put_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
        value: Json,
    ) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// Sets the age of entries to zero, of those which still have these revisions; says which, in this order.
    fn touch_entries<'a>(
        &'a self,
        group: &'a str,
        held: &'a [(String, u64)],
    ) -> BoxFuture<'a, Result<Vec<bool>, Error>>;

    /// Removes an entry, if its revision is still the `expected` one; says whether it was. An entry that is put under
    /// this key later begins at revision 1 again.
    fn remove_entry<'a>(
        &'a self,
        group: &'a str,
        key: &'a str,
        expected: u64,
    ) -> BoxFuture<'a, Result<bool, Error>>;
}

/// One entry of a group; `None` where it is not there.
pub(crate) async fn entry(
    store: &dyn CoordinationStore,
    group: &str,
    key: &str,
) -> Result<Option<Entry>, Error> {
    Ok(store.entries(group).await?.into_iter().find(|entry| entry.key == key))
}
