//! What a user reads when a store can't connect.

use std::{error::Error as _, str::FromStr as _, time::Duration};

use cqrs_core::store::{Error, EventStore};
use cqrs_postgres::PostgresEventStore;
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::sample::soon;
use crate::{
    proxy::{Mode, Proxy},
    server::{Schema, url},
};

/// What is shown with all causes, none of them twice, and without a password.
fn shown(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!format!("{text} {error:?}").contains("geheim"), "{text}");
    assert!(!text.contains(" at line ") && !text.contains("error returned from database"), "{text}");
    text
}

/// Fails at once, however long it may take: what it says.
async fn refused(url: &str) -> String {
    let options = PostgresEventStore::options().timeout(Duration::from_hours(1));
    let error = soon(options.connect(url)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    shown(&error)
}

fn server_with(change: impl Fn(PgConnectOptions) -> PgConnectOptions) -> String {
    change(PgConnectOptions::from_str(&url()).unwrap()).to_url_lossy().to_string()
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_refused_at_once() {
    let told = refused("postgres://me:geheim@a..b:1234/orders").await;
    assert!(told.starts_with("there is no host of this name: PostgreSQL at a..b:1234/orders: "), "{told}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_at_once_where_tls_is_required() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).await.unwrap();
        // There is none.
        client.write_all(b"N").await.unwrap();
    });
    let told = refused(&format!("postgres://me:geheim@{address}/orders?sslmode=require")).await;
    assert!(
        told.contains(&format!("PostgreSQL at {address}/orders: TLS: server does not support TLS")),
        "{told}"
    );
    assert!(told.contains("`sslmode`"), "{told}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_login_and_a_database_that_the_server_does_not_know_are_refused_at_once() {
    let told =
        refused(&server_with(|options| options.username("nobody_of_this_name").password("geheim"))).await;
    assert!(told.starts_with("the store is refused while it connects: PostgreSQL at "), "{told}");
    assert!(
        told.ends_with("; look after user and password in the URL, and the server's pg_hba.conf"),
        "{told}"
    );
    assert_eq!(told.matches("nobody_of_this_name").count(), 1, "{told}");
    let told = refused(&server_with(|options| options.database("no_such_database"))).await;
    assert!(
        told.contains("/no_such_database: database \"no_such_database\" does not exist (3D000)"),
        "{told}"
    );
    assert!(told.ends_with("; create the database, or name another one in the URL"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_away_is_named_by_every_call() {
    let schema = Schema::new();
    let proxy = Proxy::new().await;
    // What takes time is there already; and a busy machine may need several attempts all the same.
    drop(schema.connect_events().await);
    let options = schema.events().timeout(Duration::from_millis(200));
    let store = soon(async {
        loop {
            match options.clone().connect(&proxy.url()).await {
                Ok(store) => break store,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    })
    .await;
    proxy.cut().await;
    let place = format!("PostgreSQL at 127.0.0.1:{}/", proxy.port);
    let stream = super::sample::stream("a");
    let load = cqrs_core::store::Load { stream: &stream, snapshot: None, command: None };
    let told = |error: Error| {
        assert!(error.is_retryable(), "{error:?}");
        let told = shown(&error);
        assert_eq!(told.matches(&place).count(), 1, "{told}");
        assert!(told.starts_with("the store is unavailable while it "), "{told}");
    };
    told(store.head().await.unwrap_err());
    told(store.load(load).await.unwrap_err());
    match store.append(super::sample::append(&stream)).await {
        Err(cqrs_core::store::AppendError::Store(error)) => told(error),
        other => panic!("{other:?}"),
    }
    told(options.connect(&proxy.url()).await.unwrap_err());
    proxy.set(Mode::Open);
    soon(async { while store.head().await.is_err() {} }).await;
}
