//! Databases that go with the tests that use them.

use std::{future::Future, sync::Arc};

use cqrs_mongo::{
    MongoViewStore, ViewStoreOptions,
    mongodb::{Client, Database},
};
use uuid::Uuid;

/// The server that the tests run against.
pub(crate) fn server() -> String {
    std::env::var("CQRS_TEST_MONGO_URL").ok().filter(|url| !url.is_empty()).expect(
        "these tests need a MongoDB: run them by `cargo xtask test`, which finds or starts one, or set CQRS_TEST_MONGO_URL to \
         a server's URL",
    )
}

/// A database of its own, which is dropped with this value.
pub(crate) struct Scratch {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self::on(&server())
    }

    pub(crate) fn on(server: &str) -> Self {
        let name = format!("cqrs_test_{}", Uuid::new_v4().simple());
        Self { url: with_database(server, &name), name }
    }

    pub(crate) async fn store(&self, options: ViewStoreOptions) -> MongoViewStore {
        options.connect(&self.url).await.unwrap()
    }

    /// The driver's own way to it.
    pub(crate) async fn database(&self) -> Database {
        Client::with_uri_str(&self.url).await.unwrap().default_database().unwrap()
    }
}

/// The server's URL with a database in its path.
pub(crate) fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, hosts) = address.split_once("://").expect("a URL");
    let hosts = hosts.split_once('/').map_or(hosts, |(hosts, _)| hosts);
    format!("{scheme}://{hosts}/{name}?{options}")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let url = self.url.clone();
        // A test's own runtime is busy with the test.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::with_uri_str(&url).await.unwrap();
                client.default_database().unwrap().drop().await
            })
        });
        let dropped = dropping.join();
        if !std::thread::panicking() {
            dropped.unwrap().unwrap();
        }
    }
}

/// Opens stores on a database of their own, each time that it is called.
pub(crate) fn opening<T: Future<Output = MongoViewStore>>(
    open: impl Fn(Arc<Scratch>) -> T,
) -> impl Fn() -> T {
    let scratch = Arc::new(Scratch::new());
    move || open(Arc::clone(&scratch))
}
