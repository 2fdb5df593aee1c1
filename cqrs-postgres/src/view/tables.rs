use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};

use super::{
    documents::Documents,
    names,
    projection::{Known, bind_id},
    statements::Statements,
};
use crate::database::Database;

/// The tables of documents that this program has met, so that it need not ask for them each time.
#[derive(Debug)]
pub(super) struct Tables {
    database: Database,
    statements: Arc<Statements>,
    /// By the ids of whole builds.
    met: Mutex<HashMap<ProjectionId, Arc<Documents>>>,
    /// As this program declares them: what it writes is in that order, whatever others have declared since.
    declared: Mutex<HashMap<ProjectionId, Arc<Documents>>>,
}

impl Tables {
    pub(super) fn new(database: Database, statements: Arc<Statements>) -> Self {
        Self { database, statements, met: Mutex::default(), declared: Mutex::default() }
    }

    /// The table of a build, or that which a partition shares, with the indexes in the order in which this program declares
    /// them, else that in which another one does; `None` where none has prepared it.
    pub(super) async fn of(&self, projection: &ProjectionId) -> Result<Option<Arc<Documents>>, Error> {
        let build = projection.whole();
        if let Some(documents) = self.met().get(&build) {
            return Ok(Some(Arc::clone(documents)));
        }
        let Some(known) = self.look(&build).await? else { return Ok(None) };
        let documents = Arc::new(Documents::new(&self.database.schema, build.clone(), known.indexes));
        Ok(Some(Arc::clone(self.met().entry(build).or_insert(documents))))
    }

    /// The same as this program writes it.
    pub(super) async fn written(&self, projection: &ProjectionId) -> Result<Option<Arc<Documents>>, Error> {
        let declared = lock(&self.declared).get(&projection.whole()).cloned();
        match declared {
            Some(declared) => Ok(Some(declared)),
            None => self.of(projection).await,
        }
    }

    /// This program has prepared a projection.
    pub(super) fn declare(&self, spec: &ProjectionSpec) {
        let indexes = spec.indexes.iter().map(|index| index.name.to_owned()).collect();
        let build = spec.id.whole();
        let documents = Documents::new(&self.database.schema, build.clone(), indexes);
        let documents = Arc::new(documents);
        lock(&self.declared).insert(build.clone(), Arc::clone(&documents));
        self.met().insert(build, documents);
    }

    /// This program has removed it.
    pub(super) fn remove(&self, projection: &ProjectionId) {
        lock(&self.declared).remove(&projection.whole());
        self.forget(projection);
    }

    /// What was met is not as it was.
    pub(super) fn forget(&self, projection: &ProjectionId) {
        self.met().remove(&projection.whole());
    }

    /// What the store knows of a projection now.
    pub(super) async fn look(&self, projection: &ProjectionId) -> Result<Option<Known>, Error> {
        look(&self.database, &self.statements, projection).await
    }

    fn met(&self) -> MutexGuard<'_, HashMap<ProjectionId, Arc<Documents>>> {
        lock(&self.met)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the store knows of a projection; `None` where none has prepared it.
pub(super) async fn look(
    database: &Database,
    statements: &Arc<Statements>,
    projection: &ProjectionId,
) -> Result<Option<Known>, Error> {
    if !names::is_name(&projection.name) {
        return Ok(None);
    }
    let (statements, projection) = (Arc::clone(statements), projection.clone());
    let look = database.run("reads a checkpoint", move |session| {
        let (statements, projection) = (Arc::clone(&statements), projection.clone());
        Box::pin(async move {
            let query = bind_id(session.query(&statements.projection), &projection);
            Known::of(&session.fetch(query).await?)
        })
    });
    look.await
}
