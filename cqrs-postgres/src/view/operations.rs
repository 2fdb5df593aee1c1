use std::{collections::HashSet, sync::Arc};

use cqrs_core::{
    envelope::Position,
    store::{
        BoxFuture, Build, Checkpoint, Commit, CommitError, CoordinationStore, DeadLetter, Error, Find,
        ProjectionId, ProjectionSpec, Read, Sequence, StoredDocument, ViewStore, commit_each,
    },
};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::sync::watch;

use super::{
    PostgresViewStore, dead_letter,
    find::{LookUp, NoLookUp},
    fit, names,
    prepare::{prepare, remove},
    projection::{Progressed, bind_id, build},
};
use crate::database::{Session, integer};

impl ViewStore for PostgresViewStore {
    fn coordination(&self) -> &dyn CoordinationStore {
        self
    }

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
        Box::pin(async move { self.write(self.arrange(projection, commit).await?).await })
    }

    /// Those without dead letters by one statement for each build.
    fn commit_all(
        &self,
        batches: Vec<(ProjectionId, Commit)>,
    ) -> BoxFuture<'_, Vec<Result<(), CommitError>>> {
        Box::pin(async move {
            let each: HashSet<&ProjectionId> = batches.iter().map(|(id, _)| id).collect();
            if batches.len() < 2 || each.len() < batches.len() {
                return commit_each(self, batches).await;
            }
            self.write_together(batches).await
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
            let asked: Arc<(ProjectionId, String)> = Arc::new((projection.clone(), key.to_owned()));
            let read = self.read(projection, "reads a document", move |session, documents| {
                let asked = Arc::clone(&asked);
                Box::pin(async move {
                    let (id, key) = &*asked;
                    match documents.get(session, id, key).await? {
                        None if !id.partition.is_whole() => {
                            Ok(of_the_build(documents.get(session, &id.whole(), key).await?))
                        }
                        found => Ok(found),
                    }
                })
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
            let asked = Arc::new((projection.clone(), find.clone()));
            let mut is_fresh = false;
            loop {
                let asked = Arc::clone(&asked);
                let look = self.read(projection, "looks documents up", move |session, documents| {
                    let asked = Arc::clone(&asked);
                    Box::pin(async move {
                        let (id, find) = &*asked;
                        let look_up = match LookUp::new(&documents, find) {
                            Ok(look_up) => look_up,
                            Err(no) => return Ok(Err(no)),
                        };
                        match look_up.run(session, id).await? {
                            None if !id.partition.is_whole() => {
                                Ok(Ok(of_the_build(look_up.run(session, &id.whole()).await?)))
                            }
                            found => Ok(Ok(found)),
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
        Box::pin(async move {
            let id = projection.clone();
            let sql = self.statements.parked_sequences.clone();
            let list = self.rows(
                &projection.name,
                "reads what is parked",
                move |session| bind_id(session.query(&sql), &id),
                |row| dead_letter::sequence(row, 0),
            );
            list.await
        })
    }

    fn dead_letters<'a>(
        &'a self,
        projection: &'a ProjectionId,
        of: Option<&'a Sequence>,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, Error>> {
        Box::pin(async move {
            if limit == 0 {
                return Ok(Vec::new());
            }
            let id = projection.clone();
            let of = of.map(dead_letter::sequence_id);
            let statements = Arc::clone(&self.statements);
            let page = move |session: &Session| {
                let sql = if of.is_some() { &statements.dead_letters_of } else { &statements.dead_letters };
                let query = bind_id(session.query(sql), &id);
                let query = query.bind(integer(after.get())).bind(integer(limit as u64));
                if let Some(of) = of { query.bind(of) } else { query }
            };
            let mut letters =
                self.rows(&projection.name, "reads dead letters", page, dead_letter::letter).await?;
            letters.sort_by(|a, b| (a.position, &a.sequence).cmp(&(b.position, &b.sequence)));
            Ok(letters)
        })
    }

    fn builds<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Build>, Error>> {
        Box::pin(async move {
            let (sql, of) = (self.statements.builds.clone(), name.to_owned());
            let query = move |session: &Session| session.query(&sql).bind(of.clone());
            let of = name.to_owned();
            let build = move |row: &PgRow| build(&of, row);
            let mut builds = self.rows(name, "lists the builds of a projection", query, build).await?;
            builds.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(builds)
        })
    }

    fn remove<'a>(&'a self, projection: &'a ProjectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if !names::is_name(&projection.name) {
                return Ok(());
            }
            let parts = (self.database.schema.clone(), Arc::clone(&self.statements), projection.clone());
            let removed = self.database.run("removes a build of a projection", move |session| {
                let (schema, statements, id) = parts.clone();
                Box::pin(async move { remove(session, &schema, &statements.projection, &id).await })
            });
            let removed = removed.await?;
            if projection.partition.is_whole() {
                self.tables.remove(projection);
            }
            for (id, progressed) in removed {
                self.watcher.watched().tell(&id, progressed);
            }
            Ok(())
        })
    }

    fn watch(&self, projection: &ProjectionId) -> watch::Receiver<Option<Checkpoint>> {
        let receiver = self.watcher.watched().subscribe(projection);
        self.watcher.start();
        receiver
    }
}

/// What a partition reads that was never prepared: the build's documents, and no checkpoint of its own.
fn of_the_build<T>(found: Option<(T, Progressed)>) -> Option<(T, Progressed)> {
    found.map(|(documents, _)| (documents, Progressed::default()))
}

impl PostgresViewStore {
    /// Reads rows about projections of this name.
    async fn rows<T: Send + 'static>(
        &self,
        name: &str,
        doing: &'static str,
        query: impl Fn(&Session) -> Query<'static, Postgres, PgArguments> + Send + Sync + 'static,
        row: impl Fn(&PgRow) -> sqlx::Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>, Error> {
        if !names::is_name(name) {
            return Ok(Vec::new());
        }
        let parts = Arc::new((query, row));
        let rows = self.database.run(doing, move |session| {
            let parts = Arc::clone(&parts);
            Box::pin(async move {
                let (query, row) = &*parts;
                let query = query(session);
                session.fetch(query).await?.iter().map(row).collect()
            })
        });
        rows.await
    }
}
