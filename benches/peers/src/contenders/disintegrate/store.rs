use std::str::FromStr as _;

use disintegrate_postgres::{Migrator, PgEventStore};
use peers_harness::Failure;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Json, Store};
use crate::contenders::pool::pool;

/// 4.0.1 writes a number in hexadecimal here, which PostgreSQL reads from version 16 on; this is the same function.
const BEGIN_EPOCH: &str = "
    CREATE OR REPLACE FUNCTION event_store_begin_epoch() RETURNS void AS $$
    DECLARE
        id BIGINT;
        db_id INT;
    BEGIN
        SELECT last_value INTO id FROM seq_event_event_id;
        SELECT oid INTO db_id FROM pg_database WHERE datname = current_database();

        PERFORM pg_try_advisory_xact_lock_shared(db_id, 0);
        PERFORM pg_try_advisory_xact_lock_shared(1, (id & 4294967295)::bit(32)::integer);
        PERFORM pg_try_advisory_xact_lock_shared(2, (id >> 32)::bit(32)::integer);
    END;
    $$ LANGUAGE plpgsql";

/// Makes the tables, and opens so many connections.
pub(super) async fn open(place: &str, tasks: usize) -> Result<(Store, PgPool), Failure> {
    // The function that an older server can't read is made without a look at its body, and replaced.
    let unchecked = PgConnectOptions::from_str(place)?.options([("check_function_bodies", "off")]);
    let first = PgPoolOptions::new().max_connections(1).connect_with(unchecked).await?;
    Migrator::new(PgEventStore::new_uninitialized(first.clone(), Json::default())).init_event_store().await?;
    sqlx::query(BEGIN_EPOCH).execute(&first).await?;
    first.close().await;

    let pool = pool(place, tasks).await?;
    Ok((Store::new_uninitialized(pool.clone(), Json::default()), pool))
}
