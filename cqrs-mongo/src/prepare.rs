use cqrs_core::store::{Error, ProjectionId, ProjectionSpec};
use mongodb::{
    IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
    results::{CollectionSpecification, CollectionType},
};

use crate::{
    error::{code, unavailable},
    gate,
    known::{self, Known, declared, indexes_of},
    letters,
    names::{self, CHECKPOINTS, CREATED, DEAD_LETTERS},
    server::Server,
};

const DOING: &str = "prepares a projection";

/// Makes room for a projection. Others may do the same at the same time: each step does nothing where it is done.
///
/// `declared`: the indexes with which this program has made room for the build before, `None` where it has not. A partition of it
/// then only needs what is its own.
pub(crate) async fn prepare(
    server: &Server,
    spec: &ProjectionSpec,
    declared: Option<&[String]>,
) -> Result<(), Error> {
    let build = ProjectionSpec { id: spec.id.whole(), ..spec.clone() };
    if spec.id.partition.is_whole() {
        prepare_build(server, &build, Declaring::All).await?;
        return Ok(());
    }
    let has_room = |known: &Known| !known.is_removed && known.indexes == indexes_of(spec);
    let is_declared = declared.is_some_and(|declared| declared == indexes_of(spec));
    let known = if is_declared { find(server, &build.id).await?.filter(has_room) } else { None };
    let known = match known {
        Some(known) => known,
        None => prepare_build(server, &build, Declaring::Indexes).await?,
    };
    let partition = declare(server, spec, Declaring::All).await?;
    gate::set_up(server, &partition).await?;
    // Who removes the build from now on finds the partition; who has begun before may not have.
    match find(server, &build.id).await? {
        Some(after) if after.incarnation == known.incarnation => Ok(()),
        _ => Err(unavailable(DOING, format!("{} was removed meanwhile", build.id))),
    }
}

async fn prepare_build(
    server: &Server,
    build: &ProjectionSpec,
    declaring: Declaring,
) -> Result<Known, Error> {
    let known = declare(server, build, declaring).await?;
    create_indexes(server, build).await?;
    create_view(server, build).await?;
    gate::set_up(server, &known).await?;
    Ok(known)
}

/// What of it is written down where the projection is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declaring {
    All,
    /// The fingerprint is another one's.
    Indexes,
}

/// Writes down what the projection declares, where it may.
async fn declare(server: &Server, spec: &ProjectionSpec, declaring: Declaring) -> Result<Known, Error> {
    let wanted = indexes_of(spec);
    loop {
        let Some(known) = find(server, &spec.id).await? else {
            let (collection, document) = (server.own(CHECKPOINTS), declared(spec));
            match server.call(DOING, async move { collection.insert_one(document).await }).await {
                Ok(_) => {}
                // Another one was quicker.
                Err(error) if error.code() == Some(code::DUPLICATE_KEY) => {}
                Err(error) => return Err(error.into()),
            }
            continue;
        };
        if known.is_removed {
            let what = format!("{} is being removed: where that was interrupted, remove it again", spec.id);
            return Err(unavailable(DOING, what));
        }
        let fingerprint = match declaring {
            Declaring::All => spec.fingerprint,
            Declaring::Indexes => known.fingerprint,
        };
        if known.fingerprint == fingerprint && known.indexes == wanted {
            return Ok(known);
        }
        let new = wanted.iter().find(|name| known.indexes.iter().all(|index| index != *name));
        if let Some(name) = new
            && has_documents(server, spec).await?
        {
            return Err(Error::invalid(format!(
                "the index `{name}` is new to the projection {}, whose documents were written without it: raise the \
                 version of the projection, and it is built anew",
                spec.id
            )));
        }
        let mut as_found = known.as_found();
        as_found.insert("fingerprint", known.fingerprint.cast_signed());
        let change = doc! { "$set": { "indexes": &wanted, "fingerprint": fingerprint.cast_signed() } };
        let collection = server.own(CHECKPOINTS);
        server.call(DOING, async move { collection.update_one(as_found, change).await }).await?;
        if known.indexes != wanted {
            declare_for_all(server, spec, &wanted).await?;
        }
    }
}

/// The indexes are those of the build: of itself, and of all of its partitions.
async fn declare_for_all(server: &Server, spec: &ProjectionSpec, wanted: &[&str]) -> Result<(), Error> {
    let mut others = known::of_build(&spec.id);
    others.insert("indexes", doc! { "$ne": wanted });
    let change = doc! { "$set": { "indexes": wanted } };
    let collection = server.own(CHECKPOINTS);
    server.call(DOING, async move { collection.update_many(others, change).await }).await?;
    Ok(())
}

/// What the primary knows of a projection; `None` where it was never prepared.
pub(crate) async fn find(server: &Server, id: &ProjectionId) -> Result<Option<Known>, Error> {
    let collection = server.own(CHECKPOINTS).clone_with_type::<mongodb::bson::RawDocumentBuf>();
    let filter = known::filter(id);
    let found = server.call("reads a checkpoint", async move { collection.find_one(filter).await }).await?;
    Ok(found.as_deref().map(Known::read).transpose()?)
}

async fn has_documents(server: &Server, spec: &ProjectionSpec) -> Result<bool, Error> {
    let collection = server.own(&names::documents(&spec.id));
    let any = doc! { CREATED: { "$exists": true } };
    let found = server.call(DOING, async move { collection.find_one(any).await }).await?;
    Ok(found.is_some())
}

/// Creates what is missing, and drops what is declared no more. Collections come with their indexes.
async fn create_indexes(server: &Server, spec: &ProjectionSpec) -> Result<(), Error> {
    let wanted = indexes(spec);
    let names: Vec<String> = wanted.iter().filter_map(|index| index.options.as_ref()?.name.clone()).collect();
    let collection = server.own(&names::documents(&spec.id));
    let letters = server.own(DEAD_LETTERS);
    let work = async move {
        letters.create_indexes(letters::indexes()).await?;
        collection.create_indexes(wanted).await?;
        let known = collection.list_index_names().await?;
        for name in known.into_iter().filter(|name| names::is_own_index(name) && !names.contains(name)) {
            match collection.drop_index(name).await {
                Err(error) if is_gone(&error) => {}
                dropped => dropped?,
            }
        }
        Ok(())
    };
    Ok(server.call(DOING, work).await?)
}

/// Somebody else has dropped it.
fn is_gone(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, mongodb::error::ErrorKind::Command(error)
        if [code::INDEX_NOT_FOUND, code::NAMESPACE_NOT_FOUND].contains(&error.code))
}

/// One to list documents in the order of their creation; and for each declared index one to sort by the field, and one
/// to list what has the same value in it in the order of creation. The last one has all documents, and serves whoever
/// asks by the field in the shell; the others have no traces of removed ones.
fn indexes(spec: &ProjectionSpec) -> Vec<IndexModel> {
    let mut indexes = vec![index(names::index_of_creation(), doc! { CREATED: 1, "_id": 1 }, true)];
    for field in indexes_of(spec) {
        indexes.push(index(names::index_by(field), doc! { field: 1, "_id": 1 }, true));
        let keys = doc! { field: 1, CREATED: 1, "_id": 1 };
        indexes.push(index(names::index_by_and_creation(field), keys, false));
    }
    indexes
}

fn index(name: String, keys: Document, only_live: bool) -> IndexModel {
    let live = only_live.then(|| doc! { CREATED: { "$exists": true } });
    let options = IndexOptions::builder().name(name).partial_filter_expression(live).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The documents that exist, for people and for aggregations: a MongoDB view.
async fn create_view(server: &Server, spec: &ProjectionSpec) -> Result<(), Error> {
    let (name, documents) = (names::live(&spec.id), names::documents(&spec.id));
    let pipeline = vec![doc! { "$match": { CREATED: { "$exists": true } } }];
    let command = doc! { "create": &name, "viewOn": &documents, "pipeline": pipeline.clone() };
    let database = server.database.clone();
    match server.call(DOING, async move { database.run_command(command).await }).await {
        Ok(_) => return Ok(()),
        Err(error) if error.code() != Some(code::NAMESPACE_EXISTS) => return Err(error.into()),
        Err(_) => {}
    }
    match named(server, &name).await? {
        Some(found) if !is_live(&found, &documents) || found.options.pipeline.as_ref() != Some(&pipeline) => {
            Err(Error::invalid(format!(
                "there is a collection {name:?} where the view of the documents in {documents:?} belongs: move it away, or \
                 drop it if it is the copy of a view that a backup has made"
            )))
        }
        _ => Ok(()),
    }
}

/// The collection, or the MongoDB view, of this name.
pub(crate) async fn named(server: &Server, name: &str) -> Result<Option<CollectionSpecification>, Error> {
    let (database, filter) = (server.database.clone(), doc! { "name": name });
    let work = async move {
        let mut found = database.list_collections().filter(filter).await?;
        Ok(if found.advance().await? { Some(found.deserialize_current()?) } else { None })
    };
    Ok(server.call(DOING, work).await?)
}

/// Whether this is a view of these documents.
pub(crate) fn is_live(found: &CollectionSpecification, documents: &str) -> bool {
    found.collection_type == CollectionType::View && found.options.view_on.as_deref() == Some(documents)
}
