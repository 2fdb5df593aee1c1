use cqrs_core::{
    query::{Cursor, Page, QueryError, ViewsQuery},
    store::EventStore,
};

use crate::{domain::*, queries::Scene, scene::caught_up};

/// Accounts c0 to c9: owners ada and bob by turns, amounts 0, 10, 20, 0, 10, …, and c4 closed.
async fn ten() -> Scene {
    let scene = Scene::new().await;
    for number in 0..10_u8 {
        let id = account(format!("c{number}"));
        let of = if number % 2 == 0 { "ada" } else { "bob" };
        scene.app.execute(Open { account: id.clone(), owner: owner(of) }).await.unwrap();
        let amount = i64::from(number % 3) * 10;
        scene.app.execute(Deposit { account: id, amount }).await.unwrap();
    }
    scene.app.execute(Close { account: account("c4") }).await.unwrap();
    caught_up::<Balance>(&scene.log, &scene.views).await;
    scene
}

fn keys(page: &Page<Balance>) -> String {
    page.items.iter().map(|view| view.key.to_string().replace('c', "")).collect()
}

async fn all(query: impl Fn() -> ViewsQuery<Balance>, limit: usize) -> String {
    let mut found = String::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = match &after {
            Some(cursor) => query().limit(limit).after(cursor).await.unwrap(),
            None => query().limit(limit).await.unwrap(),
        };
        assert!(page.items.len() <= limit);
        found.push_str(&keys(&page));
        // As it goes through a URL.
        after = page.next.as_ref().map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            return found;
        }
        assert_eq!(page.items.len(), limit, "only the last page may be short");
    }
}

#[tokio::test(start_paused = true)]
async fn views_are_found_by_filters_and_ranges() {
    let scene = ten().await;
    let views = || scene.app.views::<Balance>();
    let (ada, eve) = ("ada".to_owned(), "eve".to_owned());
    assert_eq!(keys(&views().await.unwrap()), "012356789");
    assert_eq!(keys(&views().filter(Balance::owner().eq(&ada)).await.unwrap()), "0268");
    assert_eq!(keys(&views().filter(Balance::owner().eq("ada")).await.unwrap()), "0268");
    assert_eq!(keys(&views().filter(Balance::owner().one_of(["eve", "ada"])).await.unwrap()), "0268");
    assert_eq!(keys(&views().filter(Balance::owner().eq(&eve)).await.unwrap()), "");
    assert_eq!(keys(&views().filter(Balance::owner().one_of([&ada, &eve])).await.unwrap()), "0268");
    assert_eq!(keys(&views().filter(Balance::owner().one_of::<str>([])).await.unwrap()), "");
    assert_eq!(keys(&views().filter(Balance::amount().within(10..)).await.unwrap()), "12578");
    assert_eq!(keys(&views().filter(Balance::amount().within(..20)).await.unwrap()), "013679");
    assert_eq!(keys(&views().filter(Balance::amount().within(10..20)).await.unwrap()), "17");
    let both = views().filter(Balance::owner().eq(&ada)).filter(Balance::amount().eq(&20));
    assert_eq!(keys(&both.await.unwrap()), "28");
    assert_eq!(
        keys(&views().filter(Balance::label().eq(&serde_json::Value::Null)).await.unwrap()),
        "012356789"
    );
    let refused = views().filter(Balance::amount().within(10..=20)).await;
    assert!(matches!(refused, Err(QueryError::Condition { index: "amount", .. })));
    let list = serde_json::json!([1]);
    let refused = views().filter(Balance::label().eq(&list)).await;
    assert!(matches!(refused, Err(QueryError::Condition { index: "label", .. })));
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_in_every_order() {
    let scene = ten().await;
    let views = || scene.app.views::<Balance>();
    let ada = "ada".to_owned();
    for limit in 1..=10 {
        assert_eq!(all(|| views().oldest_first(), limit).await, "012356789");
        assert_eq!(all(|| views().newest_first(), limit).await, "987653210");
        assert_eq!(all(|| views().sorted_by(Balance::amount()), limit).await, "036917258");
        assert_eq!(all(|| views().sorted_down_by(Balance::amount()), limit).await, "852719630");
        assert_eq!(all(|| views().filter(Balance::owner().eq(&ada)).newest_first(), limit).await, "8620");
        let sorted = || views().filter(Balance::owner().eq(&ada)).sorted_by(Balance::amount());
        assert_eq!(all(sorted, limit).await, "0628");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_goes_on_where_it_ended_while_views_come_and_go() {
    let scene = ten().await;
    let views = || scene.app.views::<Balance>().limit(3);
    let first = views().newest_first().await.unwrap();
    assert_eq!(keys(&first), "987");
    // The last one of the page goes, and a new one comes before it.
    scene.app.execute(Close { account: account("c7") }).await.unwrap();
    scene.open("c0x", "eve").await;
    let second = views().newest_first().after(first.next.as_ref().unwrap()).await.unwrap();
    assert_eq!(keys(&second), "653");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_query_is_refused() {
    let scene = ten().await;
    let views = || scene.app.views::<Balance>().limit(2);
    let by_creation = views().await.unwrap().next.clone().unwrap();
    let by_amount = views().sorted_by(Balance::amount()).await.unwrap().next.clone().unwrap();
    let mixed = [
        views().after(&by_amount).await,
        views().sorted_by(Balance::amount()).after(&by_creation).await,
        views().sorted_by(Balance::owner()).after(&by_amount).await,
    ];
    for refused in mixed {
        assert!(matches!(refused, Err(QueryError::Cursor(_))), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_size_of_a_page_has_bounds() {
    let scene = ten().await;
    for limit in [0, ViewsQuery::<Balance>::MAX_LIMIT + 1, usize::MAX] {
        let refused = scene.app.views::<Balance>().limit(limit).await;
        assert!(matches!(refused, Err(QueryError::Limit { limit: found, max: 1_000 }) if found == limit));
    }
    let most = scene.app.views::<Balance>().limit(ViewsQuery::<Balance>::MAX_LIMIT).await.unwrap();
    assert_eq!((most.items.len(), most.next.is_none()), (9, true));
    assert_eq!(scene.log.head().await.unwrap(), most.provenance.applied);
}
