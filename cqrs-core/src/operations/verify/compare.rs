use std::collections::{HashMap, HashSet};

use super::{
    Difference, Digest, Mismatch, Verification, Verify, VerifyError,
    fold::{Folded, Folder, Pass},
};
use crate::{
    domain::{Projection, State},
    envelope::{Json, Position},
    runtime::guarded,
    store::{
        After, Data, DataFormat, Direction, Error, Find, OrderBy, ProjectionId, Sequence, StoredDocument,
        ViewStore,
    },
};

/// How many documents are read at once.
const PAGE: usize = 500;
/// How many keys a report names.
const NAMED: usize = 100;

/// Compares the documents of a pass with those that are stored.
pub(super) struct Comparing<'a> {
    pub(super) views: &'a dyn ViewStore,
    pub(super) projection: &'a ProjectionId,
    /// The position of the fold.
    pub(super) until: Position,
}

impl Comparing<'_> {
    /// Compares all documents of a pass. Those that have gone on since are compared where they are now.
    pub(super) async fn compare<P: Projection>(
        &self,
        folder: &mut Folder<'_, P>,
        mut documents: HashMap<String, Folded<P>>,
        report: &mut Verification,
    ) -> Result<(), VerifyError> {
        let (mut moved, mut targets) = (HashMap::new(), Vec::new());
        let keys: Vec<String> = documents.keys().cloned().collect();
        for keys in keys.chunks(PAGE) {
            // What is parked first: whatever is parked after that is beyond what the documents are said to have.
            let parked = self.parked().await?;
            let stored = self.views.load(self.projection, keys).await?;
            let mut stored: HashMap<String, StoredDocument> =
                stored.into_iter().map(|document| (document.key.clone(), document)).collect();
            for key in keys {
                let Some(folded) = documents.remove(key) else { continue };
                let stored = stored.remove(key);
                if parked.contains(key) {
                    report.is_parked(key);
                    continue;
                }
                match stored {
                    Some(stored) if stored.applied > self.until && folded.failed.is_none() => {
                        moved.insert(key.clone(), (folded, stored.applied));
                        targets.push(stored);
                    }
                    stored => report.judge(key, folded, stored.as_ref(), self.views.format()),
                }
            }
        }
        if !targets.is_empty() {
            folder.parked = self.parked_streams().await?;
            folder.fold_on(self.until, &mut moved).await?;
            for stored in targets {
                if let Some((folded, _)) = moved.remove(&stored.key) {
                    report.judge(&stored.key, folded, Some(&stored), self.views.format());
                }
            }
        }
        Ok(())
    }

    /// Looks for documents that no event has made. `known` are those that events have made, as far as the pass goes.
    pub(super) async fn find_surplus<P: Projection>(
        &self,
        verify: &Verify,
        pass: &Pass<P>,
        known: &HashSet<String>,
        report: &mut Verification,
    ) -> Result<(), VerifyError> {
        let parked = self.parked().await?;
        let mut find = Find {
            filters: Vec::new(),
            order: OrderBy::Created,
            direction: Direction::Ascending,
            after: None,
            limit: PAGE,
        };
        loop {
            let found = self.views.find(self.projection, &find).await?.value;
            let Some(last) = found.last() else { return Ok(()) };
            find.after = Some(After::Created(last.created, last.key.clone()));
            let is_last = last.created > self.until;
            for stored in found {
                let is_here = pass.covers(verify.place(&stored.key)) && stored.created <= self.until;
                if is_here && !known.contains(&stored.key) && !parked.contains(&stored.key) {
                    report.surplus(&stored);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The keys of the documents that are parked.
    async fn parked(&self) -> Result<HashSet<String>, Error> {
        let sequences = self.views.parked_sequences(self.projection).await?;
        let key = |sequence| match sequence {
            Sequence::Document(key) => Some(key),
            Sequence::Stream(_) => None,
        };
        Ok(sequences.into_iter().filter_map(key).collect())
    }

    /// From which position on the events of streams are parked.
    pub(super) async fn parked_streams(&self) -> Result<HashMap<crate::envelope::StreamId, Position>, Error> {
        let mut streams = HashMap::new();
        for sequence in self.views.parked_sequences(self.projection).await? {
            let letters = self.views.dead_letters(self.projection, Some(&sequence), Position::ZERO, 1);
            if let (Sequence::Stream(stream), Some(first)) = (&sequence, letters.await?.first()) {
                streams.insert(stream.clone(), first.position);
            }
        }
        Ok(streams)
    }
}

impl Verification {
    pub(super) fn of(projection: ProjectionId, position: Position) -> Self {
        Self {
            projection,
            position,
            passes: 0,
            compared: 0,
            folded: Digest::default(),
            stored: Digest::default(),
            different: 0,
            differences: Vec::new(),
            parked: 0,
            parked_keys: Vec::new(),
        }
    }

    fn is_parked(&mut self, key: &str) {
        self.parked += 1;
        if self.parked_keys.len() < NAMED {
            self.parked_keys.push(key.to_owned());
        }
    }

    fn judge<P: Projection>(
        &mut self,
        key: &str,
        folded: Folded<P>,
        stored: Option<&StoredDocument>,
        format: DataFormat,
    ) {
        self.compared += 1;
        let digest_of_stored = stored.and_then(digest_of);
        if let Some(digest) = digest_of_stored {
            self.stored.add(digest);
        }
        let (applied, was_made) = (folded.applied, matches!(folded.state, State::Present(_)));
        let digest = match written(key, folded, format) {
            Ok(digest) => digest,
            Err((position, error)) => {
                let mismatch = Mismatch::Unfoldable { position, error };
                return self.differs(key, Some(applied), stored, mismatch);
            }
        };
        self.folded.add(digest);
        let mismatch = match stored {
            None => Mismatch::Missing,
            Some(stored) if stored.data.is_some() != was_made => Mismatch::Removal,
            Some(stored) if stored.applied != applied => Mismatch::Applied,
            Some(_) if digest_of_stored != Some(digest) => Mismatch::Content,
            Some(_) => return,
        };
        self.differs(key, Some(applied), stored, mismatch);
    }

    fn surplus(&mut self, stored: &StoredDocument) {
        self.compared += 1;
        if let Some(digest) = digest_of(stored) {
            self.stored.add(digest);
        }
        self.differs(&stored.key, None, Some(stored), Mismatch::Surplus);
    }

    fn differs(
        &mut self,
        key: &str,
        folded: Option<Position>,
        stored: Option<&StoredDocument>,
        mismatch: Mismatch,
    ) {
        self.different += 1;
        if self.differences.len() < NAMED {
            let (key, stored) = (key.to_owned(), stored.map(|stored| stored.applied));
            self.differences.push(Difference { key, folded, stored, mismatch });
        }
    }
}

/// `None` where it is no JSON.
fn digest_of(stored: &StoredDocument) -> Option<Digest> {
    let StoredDocument { key, created, applied, data } = stored;
    Digest::of(key, *created, *applied, data.as_ref()).ok()
}

/// As it would be stored; otherwise the event at which that went wrong, and why.
fn written<P: Projection>(
    key: &str,
    folded: Folded<P>,
    format: DataFormat,
) -> Result<Digest, (Position, String)> {
    let Folded { state, created, applied, failed } = folded;
    if let Some(failed) = failed {
        return Err(failed);
    }
    let digest = guarded(|| {
        let data: Option<Json> =
            state.present().map(|view| Data::of(&view, format)?.into_text()).transpose()?;
        Digest::of(key, created, applied, data.as_ref())
    });
    digest.map_err(|error| (applied, error))
}
