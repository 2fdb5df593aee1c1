//! Queries that a standby of PostgreSQL answers.

use std::{sync::Arc, time::Duration};

use cqrs_core::{
    domain::Projection,
    envelope::Token,
    query::{QueryError, Views},
    store::ViewStore,
};
use cqrs_postgres::PostgresViewStore;
use order_views::OrderSummary;

use crate::{
    deadline::{DEADLINE, eventually},
    orders::{confirm, place},
    place::{Names, Place},
    runtime::block_on,
    servers::Postgres,
    sql,
};

type Key = <OrderSummary as cqrs_core::domain::Model>::Key;

/// As a query process has it: nothing can be written there, and nobody notifies.
async fn views_on(standby: &Postgres) -> Option<Views> {
    let options = PostgresViewStore::options().migrations(false).listen(false);
    let store: Arc<dyn ViewStore> = Arc::new(options.connect(&standby.url()).await.ok()?);
    Some(Views::new(store))
}

mod postgres {
    use super::*;

    #[test]
    fn a_standby_answers_what_it_has_waits_for_what_was_asked_for_and_shows_that_it_lags() {
        let mut primary = Postgres::start();
        let standby = primary.standby();
        let place_of = Place::on(Names::new(primary.url(), primary.url()), Vec::new());
        let service = place_of.start("all");
        let client = service.client();
        let order = place(&client, "ada");
        let key: Key = order.id.parse().expect("an order's id");
        let first: Token = order.token.parse().expect("a token");

        let views = eventually("the standby has the tables", || block_on(views_on(&standby)));
        let monitor = block_on(async { views.lag_monitor().projection::<OrderSummary>().start() });
        let seen = block_on(async {
            views.view::<OrderSummary>(&key).at_least(&first).within(DEADLINE).await.expect("it arrives")
        });
        assert!(seen.is_some() && seen.provenance.applied >= first.position(), "{seen:?}");
        eventually("the standby is seen to follow", || monitor.health()[0].is_well().then_some(()));

        // The primary goes on, and the standby stands still.
        sql::execute(&standby.url(), "SELECT pg_wal_replay_pause()").expect("it can be paused");
        let paused = "SELECT pg_get_wal_replay_pause_state()";
        eventually("it stands still", || {
            let state: Vec<String> = sql::column(&standby.url(), paused).expect("it says so");
            (state == ["paused"]).then_some(())
        });
        let late: Token = confirm(&client, &order.id).parse().expect("a token");
        client.get(&order.path()).at_least(&late.to_string()).expect(200);
        block_on(async {
            let view = || views.view::<OrderSummary>(&key);
            let refused = view().at_least(&late).within(Duration::from_millis(100)).await;
            assert!(matches!(refused, Err(QueryError::NotYetConsistent { .. })), "{refused:?}");
            let stale = view().at_least(&late).within(Duration::ZERO).or_stale().await.expect("an answer");
            assert!(stale.provenance.stale && stale.provenance.applied < late.position(), "{stale:?}");
            assert_eq!(stale.value, seen.value);
            let again = view().at_least(&seen.provenance.token).await.expect("never older than before");
            assert!(again.provenance.applied >= seen.provenance.applied, "{again:?}");
        });
        assert!(OrderSummary::MAX_LAG.is_some(), "the demo's views promise a lag");
        eventually("it shows that the standby lags", || monitor.health()[0].breached.then_some(()));

        sql::execute(&standby.url(), "SELECT pg_wal_replay_resume()").expect("it can go on");
        let fresh = block_on(async {
            views.view::<OrderSummary>(&key).at_least(&late).within(DEADLINE).await.expect("it arrives")
        });
        assert!(fresh.provenance.applied >= late.position() && fresh.value != seen.value, "{fresh:?}");
        eventually("the standby follows again", || monitor.health()[0].is_well().then_some(()));
        block_on(monitor.stop());
    }
}
