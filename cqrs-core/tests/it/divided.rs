//! A projection in partitions, and applications that share it.

use std::time::Duration;

use cqrs_core::{
    app::App,
    domain::Projection,
    envelope::Position,
    event_handler, handlers,
    query::Views,
    runtime::RuntimeOptions,
    store::{EventStore as _, Partition},
};

use crate::{
    domain::*,
    faults::{FaultyLog, FaultyViews},
    scene::{account_stream, append, assert_mended, eventually, runs},
};

pub const LEASE: Duration = Duration::from_millis(300);

/// The deposits of each account, in a version that is divided into so many partitions. Each deposit is noted so many times
/// as large as it is.
macro_rules! spread {
    ($type:ident, version = $version:literal, partitions = $partitions:literal, times = $times:literal) => {
        #[derive(cqrs_core::Projection, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[projection(name = "spread", version = $version, events(AccountEvent), partitions = $partitions, max_lag = "2s")]
        pub struct $type {
            pub amounts: Vec<i64>,
        }

        #[handlers(ignore(Labelled, Noted, HandedOver, AccountClosed))]
        impl $type {
            #[event_handler]
            fn on_opened(_: &AccountOpened) -> Self {
                Self { amounts: Vec::new() }
            }

            #[event_handler]
            fn on_deposited(&mut self, event: &Deposited) {
                self.amounts.push(event.amount / 100 * $times);
            }

            #[event_handler]
            fn on_cursed(&mut self, _: &Cursed) {
                self.amounts.push(-7);
                assert_mended();
            }
        }
    };
}
pub(crate) use spread;

spread!(One, version = 1, partitions = 1, times = 1);
spread!(Two, version = 1, partitions = 2, times = 1);
spread!(Eight, version = 1, partitions = 8, times = 1);

pub fn options() -> RuntimeOptions {
    RuntimeOptions::default().lease(LEASE).heartbeat(Duration::from_millis(20)).batch(20)
}

pub async fn app_with<P: Projection>(log: &FaultyLog, views: &FaultyViews, options: RuntimeOptions) -> App {
    App::builder(log.clone()).runtime(options).projection::<P>(views.clone()).build().await.unwrap()
}

pub async fn app<P: Projection>(log: &FaultyLog, views: &FaultyViews) -> App {
    app_with::<P>(log, views, options()).await
}

/// Waits until these run all partitions between them, each about the same number.
pub async fn shared<P: Projection>(apps: &[&App], of: u16) {
    eventually("they share the partitions", async || {
        let mut all = Vec::new();
        let mut counts = Vec::new();
        for app in apps {
            let run = runs::<P>(app).await;
            counts.push(run.len());
            all.extend(run);
        }
        all.sort();
        let most = counts.iter().max().copied().unwrap_or(0);
        let least = counts.iter().min().copied().unwrap_or(0);
        most - least <= 1 && all == Partition::all(of).collect::<Vec<_>>()
    })
    .await;
}

/// How far all partitions of the build are that answers.
pub async fn checkpoint<P: Projection>(views: &FaultyViews) -> Position {
    let checkpoint = Views::new(views.inner.clone()).checkpoint::<P>().await.unwrap();
    checkpoint.map_or(Position::ZERO, |checkpoint| checkpoint.position)
}

/// Waits until all partitions have applied all that is in the log now.
pub async fn caught_up<P: Projection>(log: &FaultyLog, views: &FaultyViews) {
    let head = log.head().await.unwrap();
    eventually("all partitions catch up", async || checkpoint::<P>(views).await >= head).await;
}

/// Opens accounts with these numbers.
pub async fn open(log: &FaultyLog, accounts: impl IntoIterator<Item = u64>) {
    for nth in accounts {
        append(log, &account_stream(&format!("a{nth}")), &[("account_opened", r#"{"owner":"ada"}"#)]).await;
    }
}

pub async fn deposit(log: &FaultyLog, id: &str, units: u64) {
    append(log, &account_stream(id), &[("deposited", &format!(r#"{{"units":{units}}}"#))]).await;
}

/// Appends an event that fails until the handler is mended.
pub async fn curse(log: &FaultyLog, id: &str) {
    append(log, &account_stream(id), &[("cursed", "{}")]).await;
}

/// Opens so many accounts, each with a deposit.
pub async fn fill(log: &FaultyLog, accounts: u64) {
    for nth in 0..accounts {
        open(log, [nth]).await;
        deposit(log, &format!("a{nth}"), nth).await;
    }
}

/// Its program stands still: it writes nothing, and its leases run out.
pub fn stand_still(views: &FaultyViews) {
    views.shut();
    views.faults.stands_still.send_replace(true);
}

pub fn go_on(views: &FaultyViews) {
    views.faults.stands_still.send_replace(false);
    views.open();
}
