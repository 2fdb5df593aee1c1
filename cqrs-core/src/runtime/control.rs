use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::owner::Owner;
use crate::{
    envelope::Json,
    operations::{Asked, Operation, Paused, Report, Request, RequestOutcome, group, paused_group},
    store::{CoordinationStore, Error, ProjectionId, ViewStore, entry},
};

/// How many requests that have ended stay on record.
const ON_RECORD: usize = 100;

/// What others ask of a projection, as the application sees it that runs it.
pub(super) struct Control {
    views: Arc<dyn ViewStore>,
    projection: ProjectionId,
    me: Owner,
    every: Duration,
    looked: Option<Instant>,
}

/// Whether a projection is to stand still.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standstill {
    /// `None` where it is to go on.
    pub(super) paused: Option<Paused>,
    /// How often that was said.
    pub(super) revision: u64,
}

impl Control {
    pub(super) fn new(
        views: Arc<dyn ViewStore>,
        projection: ProjectionId,
        me: Owner,
        every: Duration,
    ) -> Self {
        Self { views, projection, me, every, looked: None }
    }

    fn store(&self) -> &dyn CoordinationStore {
        self.views.coordination()
    }

    /// Whether it is time to look again.
    pub(super) fn is_time(&mut self) -> bool {
        let is_time = self.looked.is_none_or(|looked| looked.elapsed() >= self.every);
        if is_time {
            self.looked = Some(Instant::now());
        }
        is_time
    }

    /// The requests that wait, if it is time to look for them.
    pub(super) async fn look(&mut self) -> Result<Option<Vec<Request>>, Error> {
        if !self.is_time() {
            return Ok(None);
        }
        let entries = self.store().entries(&group(&self.projection)).await?;
        let mut waiting = Vec::new();
        for entry in &entries {
            match Request::read(entry) {
                Ok(request) if request.asked.outcome.is_none() => waiting.push(request),
                Ok(_) => {}
                // A foreign hand; it is nothing that can be done.
                Err(error) => {
                    tracing::warn!(projection = %self.projection, %error, "a request can't be read");
                }
            }
        }
        waiting.sort_by_key(|request| request.id);
        Ok(Some(waiting))
    }

    /// Takes a request up; `None` where somebody else has.
    pub(super) async fn take(&self, request: Request) -> Result<Option<Request>, Error> {
        let asked = Asked { taken_by: Some(self.me.clone()), ..request.asked };
        self.put(Request { asked, ..request }).await
    }

    /// Writes down what came of a request.
    pub(super) async fn end(&self, request: Request, outcome: RequestOutcome) -> Result<(), Error> {
        let asked = Asked { outcome: Some(outcome), ended_at: Some(Timestamp::now()), ..request.asked };
        if self.put(Request { asked, ..request }).await?.is_some() {
            self.prune().await?;
        }
        Ok(())
    }

    async fn put(&self, request: Request) -> Result<Option<Request>, Error> {
        let value = Json::of(&request.asked).map_err(|error| Error::invalid(error.to_string()))?;
        let key = request.id.to_string();
        let put = self.store().put_entry(&group(&self.projection), &key, request.revision, value).await?;
        Ok(put.map(|revision| Request { revision, ..request }))
    }

    /// Forgets the oldest of those that have ended.
    async fn prune(&self) -> Result<(), Error> {
        let group = group(&self.projection);
        let entries = self.store().entries(&group).await?;
        let ended = |entry: &&crate::store::Entry| {
            Request::read(entry).is_ok_and(|request| request.asked.outcome.is_some())
        };
        // Keys sort by time.
        let ended: Vec<_> = entries.iter().filter(ended).collect();
        for entry in &ended[..ended.len().saturating_sub(ON_RECORD)] {
            // Where it has changed, the next one is pruned instead.
            self.store().remove_entry(&group, &entry.key, entry.revision).await?;
        }
        Ok(())
    }

    /// Whether the projection is to stand still.
    pub(super) async fn standstill(&self) -> Result<Standstill, Error> {
        let key = self.projection.to_string();
        let Some(entry) = entry(self.store(), paused_group(), &key).await? else {
            return Ok(Standstill::default());
        };
        let paused: Paused = entry
            .value
            .parse()
            .map_err(|error| Error::corrupt(format!("whether {key} is paused: {error}")))?;
        Ok(Standstill { paused: Some(paused).filter(|paused| paused.stands_still), revision: entry.revision })
    }

    /// Whether a projection that has halted is to go on: somebody asks for it, here or of another application. The
    /// caller keeps what is `known` of it.
    pub(super) async fn resumed(&mut self, known: &mut Option<u64>) -> Result<bool, Error> {
        for request in self.look().await?.unwrap_or_default() {
            if request.asked.operation != Operation::Resume {
                continue;
            }
            if let Some(request) = self.take(request).await? {
                self.set_paused(false, &request).await?;
                self.end(request, RequestOutcome::Done(Report::default())).await?;
                return Ok(true);
            }
        }
        let revision = self.standstill().await?.revision;
        Ok(known.replace(revision).is_some_and(|known| known != revision))
    }

    /// Says whether it is to stand still, for as long as nobody says otherwise.
    pub(super) async fn set_paused(&self, paused: bool, request: &Request) -> Result<Standstill, Error> {
        loop {
            let known = self.standstill().await?;
            let said = Paused { stands_still: paused, by: request.asked.by.clone(), since: Timestamp::now() };
            let value = Json::of(&said).map_err(|error| Error::invalid(error.to_string()))?;
            let key = self.projection.to_string();
            if let Some(revision) =
                self.store().put_entry(paused_group(), &key, known.revision, value).await?
            {
                return Ok(Standstill { paused: paused.then_some(said), revision });
            }
        }
    }
}
