//! What a user reads when the server says no, or says nothing.

use std::time::Duration;

use cqrs_core::store::{CommitError, Error, ViewStore};
use cqrs_mongo::MongoViewStore;
use cqrs_testkit::tokio::{self, net::TcpListener};

use crate::{
    proxy::{Fate, Proxy, is},
    sample::{batch, spec},
    scratch::{Scratch, server},
};

/// What is shown with all causes.
fn shown(error: &Error) -> String {
    let mut text = format!("{error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!format!("{text} {error:?}").contains("s3cret"), "{text}");
    text
}

#[tokio::test]
async fn a_refused_login_fails_at_once_and_for_good() {
    let scratch = Scratch::new();
    let (scheme, rest) = scratch.url.split_once("://").unwrap();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let url = format!("{scheme}://nobody:s3cret@{rest}");
    let error = MongoViewStore::connect(&url).await.expect_err("there is no such user");
    let shown = shown(&error);
    assert!(!error.is_retryable(), "{shown}");
    assert!(shown.contains("refuses the login") && shown.contains("user, password"), "{shown}");
    assert!(shown.contains(&format!("/{}", scratch.name)), "{shown}");
}

#[tokio::test]
async fn a_server_that_is_away_is_named_and_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options = MongoViewStore::options().server_selection_timeout(Duration::from_millis(50));
    let error = options
        .connect(&format!("mongodb://ada:s3cret@{address}/orders"))
        .await
        .expect_err("nobody listens there");
    let shown = shown(&error);
    assert!(error.is_retryable(), "{shown}");
    assert!(shown.contains(&format!("MongoDB at {address}/orders: ")), "{shown}");
    assert_eq!(shown.matches("refused").count(), 1, "{shown}");
}

#[tokio::test]
async fn a_missing_right_is_no_reason_to_try_again() {
    let scratch = Scratch::new();
    let proxy = Proxy::before(&server()).await;
    let store = MongoViewStore::connect(&proxy.url(&scratch.name)).await.unwrap();
    let spec = spec("orders", &[]);
    store.prepare(&spec).await.unwrap();
    for (code, retryable) in [(13, false), (18, false), (72, false), (91, true), (50, true), (10_107, true)] {
        proxy.rule(move |message| {
            let reads = is(message, "find", "_cqrs_checkpoints");
            let writes = is(message, "update", "_cqrs_checkpoints");
            if reads || writes { Fate::Refuse(code) } else { Fate::Pass }
        });
        let read = store.checkpoint(&spec.id).await.expect_err("it is refused");
        assert_eq!(read.is_retryable(), retryable, "{code}: {read:?}");
        assert!(shown(&read).contains(&format!("{}/{}: ", proxy.address, scratch.name)) || !retryable);
        proxy.rule(
            move |message| {
                if is(message, "update", "_cqrs_checkpoints") { Fate::Refuse(code) } else { Fate::Pass }
            },
        );
        match store.commit(&spec.id, batch(0, 1, Vec::new())).await {
            Err(CommitError::Store(error)) => assert_eq!(error.is_retryable(), retryable, "{error:?}"),
            other => panic!("{code} was taken for {other:?}"),
        }
    }
    proxy.rule(|message| if is(message, "find", "") { Fate::Refuse(13) } else { Fate::Pass });
    let shown = shown(&store.checkpoint(&spec.id).await.expect_err("it is refused"));
    assert!(shown.contains("not authorized on it") && shown.contains("readWrite"), "{shown}");
    proxy.rule(|_| Fate::Pass);
    store.checkpoint(&spec.id).await.unwrap();
}
