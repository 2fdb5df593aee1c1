//! Over a MongoDB, with transactions and without.

use std::{
    env,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cqrs_core::store::ViewStore;
use cqrs_mongo::{MongoViewStore, Transactions, mongodb::Client};
use cqrs_testkit::{conformance::Stores, tokio::runtime::Builder};
use uuid::Uuid;

use crate::check::{Time, view_store_bites};

fn server() -> String {
    env::var("CQRS_TEST_MONGO_URL").ok().filter(|url| !url.is_empty()).expect(
        "these tests need a MongoDB: run them by `cargo xtask test`, which finds or starts one, or set CQRS_TEST_MONGO_URL to \
         a server's URL",
    )
}

/// Databases that go with the test.
struct Databases {
    transactions: Transactions,
    names: Arc<Mutex<Vec<String>>>,
}

impl Databases {
    fn new(transactions: Transactions) -> Self {
        Self { transactions, names: Arc::default() }
    }

    fn views(&self) -> Stores<dyn ViewStore> {
        let (names, transactions) = (Arc::clone(&self.names), self.transactions);
        let server = server();
        Stores::<dyn ViewStore>::new(move || {
            let name = format!("cqrs_bite_{}", Uuid::now_v7().simple());
            let url = with_database(&server, &name);
            names.lock().unwrap().push(name);
            move || {
                let url = url.clone();
                // A machine that is busy with other tests breaks no rule.
                let options =
                    MongoViewStore::options().transactions(transactions).timeout(Duration::from_mins(1));
                async move { options.connect(&url).await.unwrap() }
            }
        })
    }
}

/// The server's URL with a database in its path.
fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, hosts) = address.split_once("://").expect("a URL");
    let hosts = hosts.split_once('/').map_or(hosts, |(hosts, _)| hosts);
    format!("{scheme}://{hosts}/{name}?{options}")
}

impl Drop for Databases {
    fn drop(&mut self) {
        let names = std::mem::take(&mut *self.names.lock().unwrap());
        let dropped = Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let client = Client::with_uri_str(server()).await?;
            for name in names {
                client.database(&name).drop().await?;
            }
            cqrs_mongo::mongodb::error::Result::Ok(())
        });
        if !thread::panicking() {
            dropped.unwrap();
        }
    }
}

mod guarded {
    use super::*;

    view_store_bites!(Time::Real, Databases::new(Transactions::Never));
}

mod transactional {
    use super::*;

    view_store_bites!(Time::Real, Databases::new(Transactions::Always));
}
