use std::{fmt, sync::Arc};

use cqrs_core::{
    envelope::Position,
    store::{
        BoxFuture, Checkpoint, Commit, CommitError, DeadLetter, Error, Find, ProjectionId, ProjectionSpec,
        Read, Sequence, StoredDocument, ViewStore,
    },
};
use sqlx::{SqlStr, error::DatabaseError, postgres::PgRow, query::Query};
use tokio::sync::watch;

use super::{
    ViewStoreOptions, dead_letter,
    documents::Documents,
    find::{LookUp, NoLookUp},
    fit, names,
    prepare::prepare,
    progress::Progress,
    projection::bind_id,
    statements::{self, Statements},
    tables::Tables,
    writing::{Writing, never_prepared},
};
use crate::database::{Database, Failure, Session, Watcher, integer};

/// A view store in a schema of a PostgreSQL database. Clones are handles of the same store.
///
/// Several processes may work on the same schema. Each version of each projection has a table of its own, such as
/// `order_summary_v1`, with the documents as `json` in its column `data`, and each declared index a column, such as
/// `index_customer_id`.
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
    async fn read<T, W>(
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

    /// Reads rows about a projection.
    async fn rows<T: Send + 'static>(
        &self,
        projection: &ProjectionId,
        doing: &'static str,
        sql: &SqlStr,
        values: Vec<i64>,
        row: fn(&PgRow) -> sqlx::Result<T>,
    ) -> Result<Vec<T>, Error> {
        if !names::is_name(&projection.name) {
            return Ok(Vec::new());
        }
        let (sql, projection) = (sql.clone(), projection.clone());
        let rows = self.database.run(doing, move |session| {
            let (sql, projection, values) = (sql.clone(), projection.clone(), values.clone());
            Box::pin(async move {
                let query = bind_id(session.query(&sql), &projection);
                let query = values.iter().fold(query, Query::bind);
                session.fetch(query).await?.iter().map(row).collect()
            })
        });
        rows.await
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

impl ViewStore for PostgresViewStore {
    fn prepare<'a>(&'a self, projection: &'a ProjectionSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            names::check(projection)?;
            let parts = (self.database.schema.clone(), Arc::clone(&self.statements), projection.clone());
            let prepared = self.database.run("prepares a projection", move |session| {
                let (schema, statements, spec) = parts.clone();
                Box::pin(async move { prepare(session, &schema, &statements.projection, &spec).await })
            });
            prepared.await??;
            self.tables.declare(projection);
            Ok(())
        })
    }

    fn checkpoint<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Option<Checkpoint>, Error>> {
        Box::pin(async move {
            Ok(self.tables.look(projection).await?.and_then(|known| known.progress.checkpoint))
        })
    }

    fn load<'a>(
        &'a self,
        projection: &'a ProjectionId,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<StoredDocument>, Error>> {
        Box::pin(async move {
            let keys: Arc<[String]> = keys.iter().filter(|key| fit::can_be_key(key)).cloned().collect();
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let loaded = self.read(projection, "loads documents", move |session, documents| {
                let keys = Arc::clone(&keys);
                Box::pin(async move { documents.load(session, &keys).await })
            });
            Ok(loaded.await?.unwrap_or_default())
        })
    }

    fn commit<'a>(
        &'a self,
        projection: &'a ProjectionId,
        commit: Commit,
    ) -> BoxFuture<'a, Result<(), CommitError>> {
        Box::pin(async move {
            let Some(documents) = self.tables.of(projection).await? else {
                return Err(never_prepared(projection).into());
            };
            let batch = fit::batch(&documents, commit, self.document_bytes)?;
            let writing = Writing { documents, batch, statements: Arc::clone(&self.statements) };
            let progressed = Arc::new(writing).run(&self.database, &self.tables).await?;
            self.watcher.watched().tell(projection, progressed);
            Ok(())
        })
    }

    fn get<'a>(
        &'a self,
        projection: &'a ProjectionId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Read<Option<StoredDocument>>, Error>> {
        Box::pin(async move {
            if !fit::can_be_key(key) {
                return Ok(Read { value: None, checkpoint: self.checkpoint(projection).await? });
            }
            let key: Arc<str> = key.into();
            let read = self.read(projection, "reads a document", move |session, documents| {
                let key = Arc::clone(&key);
                Box::pin(async move { documents.get(session, &key).await })
            });
            let (documents, progress) = read.await?.flatten().unwrap_or_default();
            Ok(Read { value: documents.into_iter().next(), checkpoint: progress.checkpoint })
        })
    }

    fn find<'a>(
        &'a self,
        projection: &'a ProjectionId,
        find: &'a Find,
    ) -> BoxFuture<'a, Result<Read<Vec<StoredDocument>>, Error>> {
        Box::pin(async move {
            let find = Arc::new(find.clone());
            let mut is_fresh = false;
            loop {
                let find = Arc::clone(&find);
                let look = self.read(projection, "looks documents up", move |session, documents| {
                    let find = Arc::clone(&find);
                    Box::pin(async move {
                        match LookUp::new(&documents, &find) {
                            Ok(look_up) => look_up.run(session, &documents).await.map(Ok),
                            Err(no) => Ok(Err(no)),
                        }
                    })
                });
                let found = match look.await? {
                    None => None,
                    Some(Ok(found)) => found,
                    Some(Err(NoLookUp::Index(error))) if !is_fresh => {
                        // Another program may have declared it since.
                        tracing::trace!(%error, "looks for an index once more");
                        self.tables.forget(projection);
                        is_fresh = true;
                        continue;
                    }
                    Some(Err(NoLookUp::Index(error) | NoLookUp::Other(error))) => return Err(error),
                };
                let (value, progress) = found.unwrap_or_default();
                return Ok(Read { value, checkpoint: progress.checkpoint });
            }
        })
    }

    fn parked_sequences<'a>(
        &'a self,
        projection: &'a ProjectionId,
    ) -> BoxFuture<'a, Result<Vec<Sequence>, Error>> {
        let sql = &self.statements.parked_sequences;
        Box::pin(
            self.rows(projection, "reads what is parked", sql, Vec::new(), |row| {
                dead_letter::sequence(row, 0)
            }),
        )
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            if limit == 0 {
                return Ok(Vec::new());
            }
            let sql = &self.statements.dead_letters;
            let values = vec![integer(after.get()), integer(limit as u64)];
            let mut letters =
                self.rows(projection, "reads dead letters", sql, values, dead_letter::letter).await?;
            letters.sort_by(|a, b| (a.position, &a.sequence).cmp(&(b.position, &b.sequence)));
            Ok(letters)
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let receiver = self.watcher.watched().subscribe(projection);
        self.watcher.start();
        receiver
    }
}
