//! What is in the database once a projection is prepared.

use cqrs_core::store::{Error, Partition, ProjectionSpec, ViewStore};
use cqrs_mongo::{MongoViewStore, mongodb::bson::Document};
use cqrs_testkit::tokio;

use crate::{
    sample::{batch, put, spec},
    scratch::Scratch,
};

/// The names of the indexes that the store has made.
async fn indexes(scratch: &Scratch) -> Vec<String> {
    let documents = scratch.database().await.collection::<Document>("orders_v1");
    let mut names = documents.list_index_names().await.unwrap();
    names.retain(|name| name.starts_with("cqrs_"));
    names.sort();
    names
}

#[tokio::test]
async fn declared_indexes_are_made_and_those_that_are_declared_no_more_are_dropped() {
    let scratch = Scratch::new();
    let store = scratch.store(MongoViewStore::options()).await;
    store.prepare(&spec("orders", &["status", "total"])).await.unwrap();
    let by = |field: &str| [format!("cqrs_by_{field}.created"), format!("cqrs_by_{field}.key")];
    let mut expected: Vec<String> = [by("status"), by("total")].concat();
    expected.push("cqrs_created".to_owned());
    expected.sort();
    assert_eq!(indexes(&scratch).await, expected);

    let own = scratch.database().await.collection::<Document>("orders_v1");
    let index = cqrs_mongo::mongodb::IndexModel::builder()
        .keys(cqrs_mongo::mongodb::bson::doc! { "weight": 1 })
        .build();
    own.create_index(index).await.unwrap();
    scratch.store(MongoViewStore::options()).await.prepare(&spec("orders", &["status"])).await.unwrap();
    let mut expected = by("status").to_vec();
    expected.push("cqrs_created".to_owned());
    expected.sort();
    assert_eq!(indexes(&scratch).await, expected);
    let all = own.list_index_names().await.unwrap();
    assert!(all.contains(&"weight_1".to_owned()), "an index of somebody else is gone: {all:?}");
}

#[tokio::test]
async fn a_collection_in_the_place_of_the_view_is_not_taken_for_it() {
    let scratch = Scratch::new();
    let store = scratch.store(MongoViewStore::options()).await;
    store.prepare(&spec("orders", &[])).await.unwrap();
    // As it may be the next time.
    store.prepare(&spec("orders", &[])).await.unwrap();
    let database = scratch.database().await;
    database.create_collection("others_v1.live").await.unwrap();
    match store.prepare(&spec("others", &[])).await {
        Err(Error::Invalid { what }) => assert!(what.contains("others_v1.live"), "{what}"),
        other => panic!("it was taken for the view: {other:?}"),
    }
}

#[tokio::test]
async fn a_partition_brings_a_build_along_that_another_program_has_removed() {
    let scratch = Scratch::new();
    let whole = spec("orders", &["status"]);
    let partition = |index| {
        let partition = Partition::new(index, 4).unwrap();
        ProjectionSpec { id: whole.id.partition(partition), ..whole.clone() }
    };
    let store = scratch.store(MongoViewStore::options()).await;
    store.prepare(&whole).await.unwrap();
    let before = indexes(&scratch).await;
    store.prepare(&partition(0)).await.unwrap();
    scratch.store(MongoViewStore::options()).await.remove(&whole.id).await.unwrap();
    store.prepare(&partition(1)).await.unwrap();
    assert_eq!(indexes(&scratch).await, before);
    let listed: Vec<_> = store.builds("orders").await.unwrap().into_iter().map(|build| build.id).collect();
    assert_eq!(listed, [whole.id.clone(), partition(1).id]);
    let document = put("a", 2, &[cqrs_core::domain::IndexValue::Text("new".to_owned())]);
    store.commit(&partition(1).id, batch(0, 3, vec![document])).await.unwrap();
    assert!(store.get(&partition(1).id, "a").await.unwrap().value.is_some());
}
