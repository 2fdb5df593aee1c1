use std::{fmt, sync::Arc};

use cqrs_core::store::{BoxFuture, Error, ProjectionId};
use sqlx::error::DatabaseError;

use super::{
    ViewStoreOptions,
    documents::Documents,
    progress::Progress,
    statements::{self, Statements},
    tables::Tables,
};
use crate::database::{Database, Failure, Session, Watcher};

/// A view store in a schema of a PostgreSQL database. Clones are handles of the same store.
///
/// Several processes may work on the same schema. Each build of each projection has a table of its own, such as
/// `order_summary_v1`, or `order_summary_v1_build2` where that version was built anew, with the documents as `json` in its
/// column `data`, and each declared index a column, such as `index_customer_id`.
#[derive(Clone)]
pub struct PostgresViewStore {
    pub(super) database: Database,
    pub(super) document_bytes: usize,
    pub(super) statements: Arc<Statements>,
    pub(super) tables: Arc<Tables>,
    pub(super) watcher: Arc<Watcher<Progress>>,
}

impl PostgresViewStore {
    /// Connects to the views on this server with the default [options](Self::options).
    ///
    /// # Errors
    ///
    /// As [`ViewStoreOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::options().connect(url).await
    }

    /// How to use views, to be changed before [`ViewStoreOptions::connect`].
    pub fn options() -> ViewStoreOptions {
        ViewStoreOptions::default()
    }

    pub(super) async fn connect_with(options: ViewStoreOptions, url: &str) -> Result<Self, Error> {
        let ViewStoreOptions { settings, document_bytes } = options;
        let database = Database::new(url, &settings)?;
        statements::FORMAT.prepare(&database, settings.migrations).await?;
        let statements = Arc::new(Statements::new(&database.schema));
        let channel = format!("{}.progress", database.schema.name());
        let progress = Progress::new(Arc::clone(&statements));
        Ok(Self {
            watcher: Arc::new(Watcher::new(&database, url, &settings, channel, progress)?),
            tables: Arc::new(Tables::new(database.clone(), Arc::clone(&statements))),
            database,
            document_bytes,
            statements,
        })
    }

    /// Reads from a projection's table; `None` where it was never prepared.
    pub(super) async fn read<T, W>(
        &self,
        projection: &ProjectionId,
        doing: &'static str,
        work: W,
    ) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        W: for<'s> Fn(&'s mut Session, Arc<Documents>) -> BoxFuture<'s, sqlx::Result<T>>,
        W: Clone + Send + 'static,
    {
        let mut is_fresh = false;
        loop {
            let Some(documents) = self.tables.of(projection).await? else { return Ok(None) };
            let work = work.clone();
            let read = self.database.run(doing, move |session| {
                let reading = work(session, Arc::clone(&documents));
                Box::pin(async move { unless_changed(reading.await) })
            });
            match read.await? {
                Ok(value) => return Ok(Some(value)),
                Err(error) if is_fresh => {
                    return Err(Failure::new(doing, error).at(self.database.place()).into());
                }
                Err(_) => self.tables.forget(projection),
            }
            is_fresh = true;
        }
    }
}

/// Sets the case apart that a table or a column is not there.
pub(super) fn unless_changed<T>(result: sqlx::Result<T>) -> sqlx::Result<Result<T, sqlx::Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => {
            let code = error.as_database_error().and_then(DatabaseError::code);
            if matches!(code.as_deref(), Some("42P01" | "42703")) { Ok(Err(error)) } else { Err(error) }
        }
    }
}

impl fmt::Debug for PostgresViewStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresViewStore")
            .field("schema", &self.database.schema.name())
            .finish_non_exhaustive()
    }
}
