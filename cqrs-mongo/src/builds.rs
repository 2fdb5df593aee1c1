//! The builds of a projection: which there are, and how one is removed.

use cqrs_core::store::{Build, Error, ProjectionId};
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use uuid::Uuid;

use crate::{
    gate,
    known::{self, Known, binary},
    letters,
    names::{self, CHECKPOINTS, DEAD_LETTERS},
    prepare,
    server::Server,
};

const DOING: &str = "removes a projection";

/// All builds of a projection, and their partitions, in the order of their ids. One whose removal was interrupted is one, without a checkpoint.
pub(crate) async fn list(server: &Server, name: &str) -> Result<Vec<Build>, Error> {
    let known = known(server, doc! { "projection": name }, "lists builds").await?;
    let mut builds: Vec<Build> = known.into_iter().map(Known::build).collect();
    builds.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(builds)
}

/// Removes a build with its partitions: from the first steps on nobody writes it, and until the last one it is listed, so
/// that a removal which was interrupted can be completed.
pub(crate) async fn remove(server: &Server, id: &ProjectionId) -> Result<(), Error> {
    if !id.partition.is_whole() {
        return remove_partition(server, id).await;
    }
    // Without the build itself there may be a partition, which was being prepared as the build was removed.
    let known = prepare::find(server, id).await?;
    if known.as_ref().is_some_and(|known| !known.is_removed) {
        mark(server, known::filter(id)).await?;
    }
    let partitions = partitions(server, id).await?;
    if known.is_none() && partitions.is_empty() {
        return Ok(());
    }
    if partitions.iter().any(|partition| !partition.is_removed) {
        let mut filter = known::partitions_of(id);
        filter.insert("removed", Bson::Null);
        mark(server, filter).await?;
    }
    let documents = names::documents(id);
    let collection = server.own(&documents);
    // With the gates in it, which batches that are under way don't pass from then on.
    server.call(DOING, async move { collection.drop().await }).await?;
    let live = names::live(id);
    if let Some(found) = prepare::named(server, &live).await?
        && prepare::is_live(&found, &documents)
    {
        let view = server.own(&live);
        server.call(DOING, async move { view.drop().await }).await?;
    }
    for partition in &partitions {
        forget(server, &partition.id).await?;
    }
    forget(server, id).await
}

/// Removes a partition, and leaves its build alone.
async fn remove_partition(server: &Server, id: &ProjectionId) -> Result<(), Error> {
    let Some(known) = prepare::find(server, id).await? else { return Ok(()) };
    if !known.is_removed {
        mark(server, known::filter(id)).await?;
    }
    gate::take_down(server, id).await?;
    forget(server, id).await
}

/// Nobody writes what this picks any more.
async fn mark(server: &Server, filter: Document) -> Result<(), Error> {
    let change = doc! {
        "$set": { "removed": true, "incarnation": binary(Uuid::now_v7()) },
        "$unset": { "checkpoint": "", "letters": "" },
    };
    let checkpoints = server.own(CHECKPOINTS);
    server.call(DOING, async move { checkpoints.update_many(filter, change).await }).await?;
    Ok(())
}

/// Removes the letters of a build itself, or of a partition, and then what is known of it.
async fn forget(server: &Server, id: &ProjectionId) -> Result<(), Error> {
    let (dead_letters, filter) = (server.own(DEAD_LETTERS), letters::of(id));
    server.call(DOING, async move { dead_letters.delete_many(filter).await }).await?;
    let (checkpoints, mut filter) = (server.own(CHECKPOINTS), known::filter(id));
    filter.insert("removed", true);
    server.call(DOING, async move { checkpoints.delete_one(filter).await }).await?;
    Ok(())
}

/// What is known of the partitions of a build.
async fn partitions(server: &Server, id: &ProjectionId) -> Result<Vec<Known>, Error> {
    known(server, known::partitions_of(id), DOING).await
}

/// What is known of all builds and partitions that this picks.
pub(crate) async fn known(
    server: &Server,
    filter: Document,
    doing: &'static str,
) -> Result<Vec<Known>, Error> {
    let checkpoints = server.own(CHECKPOINTS).clone_with_type::<RawDocumentBuf>();
    let work = async move {
        let mut found = Vec::new();
        let mut cursor = checkpoints.find(filter).await?;
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    };
    let found = server.call(doing, work).await?;
    found.iter().map(|document| Ok(Known::read(document)?)).collect()
}
