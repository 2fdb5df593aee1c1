use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use crate::{
    envelope::Position,
    store::{Build, Checkpoint, Commit, CommitError, DeadLetter, ProjectionId, Sequence},
};

/// How far a build has come, or a partition of one, and what it has put aside.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) checkpoint: Option<Checkpoint>,
    /// `None` before it is prepared.
    pub(super) fingerprint: Option<u64>,
    letters: BTreeMap<(Position, Sequence), DeadLetter>,
    /// Of how many events the letters are.
    parked: u64,
    pub(super) progress: watch::Sender<Option<Checkpoint>>,
}

impl Ledger {
    /// Whether a batch is for this place, and of somebody who may write.
    pub(super) fn check(&self, projection: &ProjectionId, commit: &Commit) -> Result<(), CommitError> {
        let projection = || projection.clone();
        let newest = self.checkpoint.map_or(0, |checkpoint| checkpoint.fence);
        let fence = commit.checkpoint.fence;
        if newest > fence {
            return Err(CommitError::Fenced { projection: projection(), fence, newest });
        }
        let actual = self.checkpoint.map(|checkpoint| checkpoint.position).unwrap_or_default();
        let expected = commit.expected;
        if actual != expected {
            return Err(CommitError::Superseded { projection: projection(), expected, actual });
        }
        Ok(())
    }

    /// Writes down what a batch says that was [checked](Self::check), without its documents.
    pub(super) fn write(&mut self, commit: Commit) {
        for (sequence, position) in commit.resolved {
            if self.letters.remove(&(position, sequence)).is_some() && !self.is_parked(position) {
                self.parked -= 1;
            }
        }
        for letter in commit.parked {
            if !self.is_parked(letter.position) {
                self.parked += 1;
            }
            self.letters.insert((letter.position, letter.sequence.clone()), letter);
        }
        self.checkpoint = Some(Checkpoint { parked: self.parked, ..commit.checkpoint });
        self.progress.send_replace(self.checkpoint);
    }

    /// Forgets all but who watches.
    pub(super) fn clear(&mut self) {
        let progress = std::mem::take(&mut self.progress);
        *self = Self { progress, ..Self::default() };
        self.progress.send_replace(None);
    }

    /// An event that is parked in several sequences counts once.
    fn is_parked(&self, position: Position) -> bool {
        let letter = self.letters.range(at(position)..).next();
        letter.is_some_and(|((parked, _), _)| *parked == position)
    }

    /// What is known of it; `None` before it is prepared.
    pub(super) fn build(&self, id: ProjectionId) -> Option<Build> {
        let checkpoint = self.checkpoint;
        self.fingerprint.map(|fingerprint| Build { id, fingerprint, checkpoint })
    }

    pub(super) fn parked_sequences(&self) -> Vec<Sequence> {
        let sequences: BTreeSet<&Sequence> = self.letters.keys().map(|(_, sequence)| sequence).collect();
        sequences.into_iter().cloned().collect()
    }

    pub(super) fn dead_letters(
        &self,
        of: Option<&Sequence>,
        after: Position,
        limit: usize,
    ) -> Vec<DeadLetter> {
        let mut letters: Vec<DeadLetter> = Vec::new();
        let later = self.letters.range(at(after.plus(1))..).map(|(_, letter)| letter);
        for letter in later.filter(|letter| of.is_none_or(|of| *of == letter.sequence)) {
            if letters.len() >= limit && letters.last().is_none_or(|last| last.position != letter.position) {
                break;
            }
            letters.push(letter.clone());
        }
        letters
    }
}

/// The place before all letters of a position.
const fn at(position: Position) -> (Position, Sequence) {
    (position, Sequence::Document(String::new()))
}
