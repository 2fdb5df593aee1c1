//! What every store promises, with transactions and without.

use std::time::Duration;

use cqrs_mongo::{MongoViewStore, Transactions, ViewStoreOptions};

/// A machine that is busy with other tests breaks no promise.
fn options(transactions: Transactions) -> ViewStoreOptions {
    MongoViewStore::options().transactions(transactions).timeout(Duration::from_mins(1))
}

mod guarded {
    use cqrs_mongo::Transactions;

    use crate::scratch::opening;

    cqrs_testkit::view_store_suite!(opening(|scratch| async move {
        scratch.store(super::options(Transactions::Never)).await
    }));
}

mod transactional {
    use cqrs_mongo::Transactions;

    use crate::scratch::opening;

    cqrs_testkit::view_store_suite!(opening(|scratch| async move {
        scratch.store(super::options(Transactions::Always)).await
    }));
}
