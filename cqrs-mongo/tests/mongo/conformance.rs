//! What every store promises, with transactions and without.

mod guarded {
    use cqrs_mongo::{MongoViewStore, Transactions};

    use crate::scratch::opening;

    cqrs_testkit::view_store_suite!(opening(|scratch| async move {
        scratch.store(MongoViewStore::options().transactions(Transactions::Never)).await
    }));
}

mod transactional {
    use cqrs_mongo::{MongoViewStore, Transactions};

    use crate::scratch::opening;

    cqrs_testkit::view_store_suite!(opening(|scratch| async move {
        scratch.store(MongoViewStore::options().transactions(Transactions::Always)).await
    }));
}
