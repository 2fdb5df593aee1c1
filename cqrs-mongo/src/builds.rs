//! The builds of a projection: which there are, and how one is removed.

use cqrs_core::store::{Build, Error, ProjectionId};
use mongodb::bson::{RawDocumentBuf, doc};
use uuid::Uuid;

use crate::{
    known::{self, Known, binary},
    letters,
    names::{self, CHECKPOINTS, DEAD_LETTERS},
    prepare,
    server::Server,
};

/// All builds of a projection, in the order of their ids. One whose removal was interrupted is one, without a checkpoint.
pub(crate) async fn list(server: &Server, name: &str) -> Result<Vec<Build>, Error> {
    let checkpoints = server.own(CHECKPOINTS).clone_with_type::<RawDocumentBuf>();
    let filter = doc! { "projection": name };
    let work = async move {
        let mut found = Vec::new();
        let mut cursor = checkpoints.find(filter).await?;
        while cursor.advance().await? {
            found.push(cursor.current().to_owned());
        }
        Ok(found)
    };
    let found = server.call("lists builds", work).await?;
    let builds: Result<Vec<Build>, Error> =
        found.iter().map(|document| Ok(Known::read(document)?.build())).collect();
    let mut builds = builds?;
    builds.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(builds)
}

/// Removes a build: from the first step on nobody writes it, and until the last one it is listed, so that a removal which
/// was interrupted can be completed.
pub(crate) async fn remove(server: &Server, id: &ProjectionId) -> Result<(), Error> {
    const DOING: &str = "removes a projection";
    let Some(known) = prepare::find(server, id).await? else { return Ok(()) };
    if !known.is_removed {
        let change = doc! {
            "$set": { "removed": true, "incarnation": binary(Uuid::now_v7()) },
            "$unset": { "checkpoint": "", "letters": "" },
        };
        let (checkpoints, filter) = (server.own(CHECKPOINTS), known::filter(id));
        server.call(DOING, async move { checkpoints.update_one(filter, change).await }).await?;
    }
    let documents = names::documents(id);
    let collection = server.own(&documents);
    // With the gate in it, which batches that are under way don't pass from then on.
    server.call(DOING, async move { collection.drop().await }).await?;
    let live = names::live(id);
    if let Some(found) = prepare::named(server, &live).await?
        && prepare::is_live(&found, &documents)
    {
        let view = server.own(&live);
        server.call(DOING, async move { view.drop().await }).await?;
    }
    let (dead_letters, filter) = (server.own(DEAD_LETTERS), letters::of(id));
    server.call(DOING, async move { dead_letters.delete_many(filter).await }).await?;
    let (checkpoints, mut filter) = (server.own(CHECKPOINTS), known::filter(id));
    filter.insert("removed", true);
    server.call(DOING, async move { checkpoints.delete_one(filter).await }).await?;
    Ok(())
}
