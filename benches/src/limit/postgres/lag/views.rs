//! Views for the limits of the lag, on PostgreSQL or MongoDB.

use mongodb::{Database, bson::doc};
use tokio_postgres::{Client, Statement};

use crate::{
    Failure,
    catch_up::Write,
    limit::{
        mongo,
        postgres::{connect, views::Columns},
    },
    places::Location,
};

pub(super) enum Views {
    Postgres { client: Client, upsert: Statement, view: Statement },
    Mongo(Database),
}

impl Views {
    pub(super) async fn prepare(views: &Location) -> Result<(), Failure> {
        match views {
            Location::Mongo(url) => drop(mongo::prepare(url).await?),
            other => connect(other.url()?).await?.batch_execute(include_str!("../views.sql")).await?,
        }
        Ok(())
    }

    pub(super) async fn open(views: &Location) -> Result<Self, Failure> {
        if let Location::Mongo(url) = views {
            return Ok(Self::Mongo(mongo::open(url).await?));
        }
        let client = connect(views.url()?).await?;
        let upsert = client.prepare(include_str!("upsert.sql")).await?;
        let view = client.prepare(include_str!("view.sql")).await?;
        Ok(Self::Postgres { client, upsert, view })
    }

    /// Writes views, and says to other processes how far they are.
    pub(super) async fn write(&self, writes: &[Write], position: i64) -> Result<(), Failure> {
        match self {
            Self::Postgres { client, upsert, .. } => {
                let Columns { keys, applied, customers, lines, totals, skus } = Columns::of(writes)?;
                let position = position.to_string();
                client
                    .query(upsert, &[&keys, &applied, &customers, &lines, &totals, &skus, &position])
                    .await?;
                Ok(())
            }
            Self::Mongo(database) => mongo::run(database, mongo::update(writes)?).await,
        }
    }

    /// The position of the last event in a view; 0 where there is no such view.
    pub(super) async fn applied(&self, key: &str) -> Result<i64, Failure> {
        Ok(match self {
            Self::Postgres { client, view, .. } => {
                client.query_opt(view, &[&key]).await?.map_or(0, |row| row.get(0))
            }
            Self::Mongo(database) => match mongo::collection(database).find_one(doc! { "_id": key }).await? {
                Some(document) => document.get_i64("applied")?,
                None => 0,
            },
        })
    }
}
