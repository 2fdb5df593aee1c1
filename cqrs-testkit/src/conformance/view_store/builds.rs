use cqrs_core::store::{Build, ProjectionId, Reason, Standing, ViewStore};

use super::sample::{View, all, batch, letter, of_document, put, spec, text};
use crate::conformance::Stores;

/// Three builds: of two versions, and two of one version.
async fn three(store: &std::sync::Arc<dyn ViewStore>) -> [View; 3] {
    let first = spec("summary", 1, &["customer"]);
    let mut views = Vec::new();
    for id in [first.id.clone(), first.id.generation(1), ProjectionId::new("summary", 2)] {
        let spec = cqrs_core::store::ProjectionSpec { id: id.clone(), ..first.clone() };
        store.prepare(&spec).await.expect("a projection is prepared");
        views.push(View { store: store.clone(), id });
    }
    views.try_into().unwrap_or_else(|_| unreachable!("there are three"))
}

/// Builds of one version have documents, indexes, dead letters and checkpoints of their own.
pub async fn generations_of_a_version_are_apart(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let views = three(&store).await;
    for (view, at) in views.iter().zip(1..) {
        let mut commit = batch(0, at, [put("shared", at, &[text("ada")]), put(&format!("own-{at}"), at, &[text("b")])]);
        commit.parked.push(letter(at, of_document("parked"), Reason::Queued));
        view.commit(commit).await;
    }
    for (view, at) in views.iter().zip(1..) {
        assert_eq!(view.position().await, at, "{}", view.id);
        assert_eq!(view.get("shared").await.expect("written").created.get(), at, "{}", view.id);
        let mut keys = view.keys(&all([])).await;
        keys.sort();
        assert_eq!(keys, [format!("own-{at}"), "shared".to_owned()], "{}", view.id);
        assert_eq!(view.letters(0, 10).await.len(), 1, "{}", view.id);
        assert_eq!(view.letters(0, 10).await[0].position.get(), at, "{}", view.id);
    }
}

/// All builds of a projection are listed with how far they have come, and none of another projection.
pub async fn builds_are_listed(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    assert_eq!(store.builds("summary").await.expect("builds are listed"), []);
    let views = three(&store).await;
    View::named(&store, "summary_v1", 1, &[]).await;
    let mut commit = batch(0, 7, []);
    commit.checkpoint.fence = 3;
    commit.checkpoint.standing = Standing::Building;
    views[1].commit(commit.clone()).await;
    let checkpoints = [None, Some(commit.checkpoint), None];
    let fingerprint = spec("summary", 1, &[]).fingerprint;
    let expected: Vec<Build> = views
        .iter()
        .zip(checkpoints)
        .map(|(view, checkpoint)| Build { id: view.id.clone(), fingerprint, checkpoint })
        .collect();
    assert_eq!(store.builds("summary").await.expect("builds are listed"), expected);
}

/// Of a build that is removed nothing is left; the others are as they were, and it can be prepared anew.
pub async fn a_build_that_is_removed_is_gone(stores: &Stores<dyn ViewStore>) {
    let store = stores.open().await;
    let views = three(&store).await;
    for view in &views {
        let mut commit = batch(0, 5, [put("a", 1, &[text("ada")])]);
        commit.parked.push(letter(2, of_document("b"), Reason::Queued));
        view.commit(commit).await;
    }
    let [kept, removed, other] = views;
    for _ in 0..2 {
        store.remove(&removed.id).await.expect("a build is removed, or is not there");
    }
    store.remove(&ProjectionId::new("nobody", 1)).await.expect("it is not there");
    let ids: Vec<ProjectionId> =
        store.builds("summary").await.expect("builds are listed").into_iter().map(|build| build.id).collect();
    assert_eq!(ids, [kept.id.clone(), other.id.clone()]);
    for view in [&kept, &other] {
        assert_eq!(view.position().await, 5, "{}", view.id);
        assert_eq!(view.keys(&all([])).await, ["a"], "{}", view.id);
        assert_eq!(view.letters(0, 10).await.len(), 1, "{}", view.id);
    }
    assert_eq!(removed.checkpoint().await, None);
    assert_eq!(removed.get("a").await, None);
    assert_eq!(removed.letters(0, 10).await, []);
    let anew = spec("summary", 1, &["number"]);
    let anew = cqrs_core::store::ProjectionSpec { id: removed.id.clone(), ..anew };
    store.prepare(&anew).await.expect("it is prepared with other indexes");
    removed.commit(batch(0, 1, [put("b", 1, &[text("x")])])).await;
    assert_eq!(removed.keys(&all([])).await, ["b"]);
    assert_eq!(removed.checkpoint().await.expect("written").parked, 0);
}
