//! The framework's projection, on a log that is full and views that are empty.

use std::{sync::Arc, time::Instant};

use cqrs_core::{
    prelude::*,
    store::{EventStore, ProjectionId, ViewStore},
};

use super::layout::Layout;
use crate::{
    Failure,
    domain::OrderSummary,
    figures::per_second,
    limit,
    places::Place,
    rooms::{Room, Rooms},
};

/// A log with a backlog.
pub(crate) struct Log {
    pub(crate) place: Place,
    room: Room,
    pub(crate) events: Arc<dyn EventStore>,
    layout: Layout,
    pub(crate) backlog: u64,
}

impl Log {
    pub(crate) async fn filled(
        rooms: &Rooms,
        place: Place,
        layout: Layout,
        backlog: u64,
    ) -> Result<Self, Failure> {
        let room = rooms.open(place).await?;
        let events = room.location.log().await?;
        layout.fill(&*events, backlog).await?;
        Ok(Self { place, room, events, layout, backlog })
    }

    /// Events/s.
    pub(super) async fn catch_up(&self, rooms: &Rooms, views: Place) -> Result<f64, Failure> {
        let room = rooms.open(views).await?;
        let views = room.location.views().await?;
        let started = Instant::now();
        let app = App::builder(Arc::clone(&self.events))
            .projection::<OrderSummary>(Arc::clone(&views))
            .build()
            .await?;
        let mut news = views.watch(&ProjectionId::of::<OrderSummary>());
        news.wait_for(|checkpoint| checkpoint.is_some_and(|at| at.position >= self.end())).await?;
        let took = started.elapsed();
        app.shutdown().await;
        self.verify(&*views, &ProjectionId::of::<OrderSummary>()).await?;
        rooms.close(room).await?;
        Ok(per_second(self.backlog, took))
    }

    /// The position of the last event.
    pub(crate) const fn end(&self) -> Position {
        Position::new(self.backlog)
    }

    /// The views of a build are what the backlog comes to.
    pub(crate) async fn verify(&self, views: &dyn ViewStore, build: &ProjectionId) -> Result<(), Failure> {
        let mut expected = self.layout.views(self.backlog);
        let keys: Vec<String> = expected.keys().cloned().collect();
        for keys in keys.chunks(1_000) {
            for document in views.load(build, keys).await? {
                let data = document.data.ok_or("a document was removed")?;
                if Some(data.parse()?) != expected.remove(&document.key) {
                    return Err(format!("the view of {} is wrong", document.key).into());
                }
            }
        }
        if expected.is_empty() { Ok(()) } else { Err(format!("{} views are missing", expected.len()).into()) }
    }

    /// Events/s of reading it raw, so many at once.
    pub(crate) async fn measure_reading(&self, page: u64) -> Result<f64, Failure> {
        let took = match self.place {
            Place::Sqlite => limit::sqlite::read(&self.room.location, self.backlog, page).await?,
            Place::Postgres => limit::postgres::read(self.room.location.url()?, self.backlog, page).await?,
            Place::Memory | Place::Mongo => return Err("only a log in a database is read raw".into()),
        };
        Ok(per_second(self.backlog, took))
    }

    pub(crate) async fn close(self, rooms: &Rooms) -> Result<(), Failure> {
        drop(self.events);
        rooms.close(self.room).await
    }
}
