use std::{
    any::{Any, TypeId},
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;

use super::decide::Known;
use crate::{domain::Aggregate, envelope::StreamId};

/// Enough that commands of different streams seldom meet at one lock.
const SHARDS: usize = 16;

/// The aggregates that commands have dealt with of late, each as its last command left it.
///
/// A command takes its aggregate out and puts it back when its events are in the log, so a command that is dropped or
/// fails leaves nothing behind. What is here may be old, as other processes append too, or of another past of the log: the
/// append finds out.
pub(super) struct Hot {
    shards: Vec<Mutex<LruCache<Key, Box<dyn Any + Send>>>>,
    hasher: RandomState,
}

type Key = (TypeId, StreamId);

impl Hot {
    /// Keeps about this many; none: it is off.
    pub(super) fn new(aggregates: usize) -> Self {
        let shards = NonZeroUsize::new(aggregates.div_ceil(SHARDS))
            .map(|each| (0..SHARDS).map(|_| Mutex::new(LruCache::new(each))).collect());
        Self { shards: shards.unwrap_or_default(), hasher: RandomState::new() }
    }

    pub(super) fn take<A: Aggregate>(&self, stream: &StreamId) -> Option<Known<A>> {
        let key = (TypeId::of::<A>(), stream.clone());
        let known = self.shard(&key)?.lock().unwrap_or_else(PoisonError::into_inner).pop(&key)?;
        known.downcast().ok().map(|known| *known)
    }

    /// Keeps an aggregate, unless a newer version of it is here.
    pub(super) fn put<A: Aggregate>(&self, stream: &StreamId, known: Known<A>) {
        let key = (TypeId::of::<A>(), stream.clone());
        let Some(shard) = self.shard(&key) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = |kept: &Known<A>| kept.version > known.version;
        if !shard.peek(&key).and_then(|kept| kept.downcast_ref()).is_some_and(newer) {
            shard.put(key, Box::new(known));
        }
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<LruCache<Key, Box<dyn Any + Send>>>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or_default();
        self.shards.get(hash.checked_rem(self.shards.len())?)
    }
}
