//! A projection with hand-written SQL, events that it copes with, and events that it does not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use cqrs_core::{
    app::App,
    domain::{Subscribe, Subscription},
    envelope::Delivered,
    prelude::*,
    runtime::RuntimeOptions,
    store::EventStore,
};
use cqrs_postgres::{
    HandWritten, SqlProjection,
    sqlx::{self, AssertSqlSafe, PgConnection, Row as _},
};

use crate::server::{Schema, connect, url};

#[derive(Id)]
pub(super) struct AccountId(String);

#[derive(Serialize, Deserialize)]
pub(super) struct Deposited {
    pub(super) amount: i64,
}

/// What the ledger's code does when it comes to it.
#[derive(Serialize, Deserialize)]
pub(super) struct Cursed {
    pub(super) by: String,
}

#[derive(Event)]
#[event(stream = "account", id = AccountId)]
pub(super) enum AccountEvent {
    Deposited(Deposited),
    Cursed(Cursed),
}

#[derive(Id)]
pub(super) struct GiftId(String);

#[derive(Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) amount: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Wrapped {}

#[derive(Event)]
#[event(stream = "gift", id = GiftId)]
#[allow(dead_code, reason = "the ledger takes one of the events alone")]
pub(super) enum GiftEvent {
    Given(Given),
    Wrapped(Wrapped),
}

pub(super) enum Entry {
    Account(AccountEvent),
    Given(Given),
}

impl Subscribe for Entry {
    fn to(subscription: &mut Subscription<Self>) {
        subscription.set(Self::Account);
        subscription.one(Self::Given);
    }
}

/// Each entry, and the sum of each account: a table that shows whether an event was applied twice.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) schema: Arc<Schema>,
    pub(super) seen: Arc<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) created: AtomicUsize,
    /// The positions of each batch that came.
    pub(super) batches: Mutex<Vec<Vec<u64>>>,
    /// How many batches are being applied now, and were at most.
    pub(super) now: AtomicUsize,
    pub(super) most: AtomicUsize,
    /// How often a curse that passes is still to strike.
    pub(super) strikes: AtomicUsize,
    /// Called in the midst of each batch.
    pub(super) midst: Mutex<Option<Box<dyn Fn() + Send>>>,
}

struct Inside<'a>(&'a Seen);

impl<'a> Inside<'a> {
    fn new(seen: &'a Seen) -> Self {
        seen.most.fetch_max(seen.now.fetch_add(1, SeqCst) + 1, SeqCst);
        Self(seen)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    #[error("there is a curse on it")]
    Cursed,
    #[error("the tables said no")]
    Tables(#[from] sqlx::Error),
}

impl Ledger {
    pub(super) fn new(schema: &Arc<Schema>) -> Self {
        Self { schema: Arc::clone(schema), seen: Arc::default() }
    }

    /// A view store of its own each time, as another process has it.
    pub(super) async fn hand_written(&self) -> HandWritten<Self> {
        let options = self.schema.views().connections(3);
        Arc::new(options.connect(&url()).await.unwrap()).sql(self.clone())
    }

    pub(super) async fn app(&self, log: &Arc<dyn EventStore>, batch: usize) -> App {
        App::builder(Arc::clone(log))
            .batch_projection(self.hand_written().await)
            .runtime(RuntimeOptions::default().batch(batch))
            .build()
            .await
            .unwrap()
    }

    pub(super) fn sql(&self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(sql.replace("{schema}", &format!("\"{}\"", self.schema.0)))
    }

    pub(super) async fn run(&self, sql: &str) {
        sqlx::raw_sql(self.sql(sql)).execute(&mut connect().await).await.unwrap();
    }

    async fn enter(&self, event: &Delivered<Entry>, db: &mut PgConnection) -> Result<(), LedgerError> {
        let amount = match &event.event {
            Entry::Account(AccountEvent::Deposited(Deposited { amount }))
            | Entry::Given(Given { amount }) => *amount,
            Entry::Account(AccountEvent::Cursed(curse)) => return self.suffer(&curse.by, event, db).await,
        };
        let account = event.stream.to_string();
        sqlx::query(self.sql("INSERT INTO {schema}.entries VALUES ($1, $2, $3)"))
            .bind(event.position.get().cast_signed())
            .bind(&account)
            .bind(amount)
            .execute(&mut *db)
            .await?;
        let add = "INSERT INTO {schema}.sums AS sum VALUES ($1, $2)
            ON CONFLICT (account) DO UPDATE SET total = sum.total + excluded.total";
        sqlx::query(self.sql(add)).bind(&account).bind(amount).execute(db).await?;
        Ok(())
    }

    async fn suffer(
        &self,
        curse: &str,
        event: &Delivered<Entry>,
        db: &mut PgConnection,
    ) -> Result<(), LedgerError> {
        let strikes =
            |seen: &Seen| seen.strikes.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        match curse {
            "own error" => return Err(LedgerError::Cursed),
            "panic" => panic!("there is a curse on it"),
            "broken rule kept to itself" => {
                let insert = sqlx::query(self.sql("INSERT INTO {schema}.entries VALUES (-1, 'x', -1)"));
                let _: Result<_, sqlx::Error> = insert.execute(db).await;
            }
            "broken rule at the end" => {
                let insert = sqlx::query(self.sql("INSERT INTO {schema}.entries VALUES ($1, 'nobody', 0)"));
                insert.bind(event.position.get().cast_signed()).execute(db).await?;
            }
            "lost connection" if strikes(&self.seen) => {
                sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(db).await?;
            }
            "lost connection kept to itself" if strikes(&self.seen) => {
                let end = sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())");
                return end.execute(db).await.map(drop).map_err(|_| LedgerError::Cursed);
            }
            "collision" if strikes(&self.seen) => {
                let raise = "DO $$ BEGIN RAISE 'another was faster' USING ERRCODE = '40001'; END $$";
                sqlx::raw_sql(raise).execute(db).await?;
            }
            "missing table" if strikes(&self.seen) => {
                sqlx::query("SELECT FROM no_such_table").execute(db).await?;
            }
            "slow statement" if strikes(&self.seen) => {
                sqlx::query("SELECT pg_sleep(3600)").execute(db).await?;
            }
            "slow code" if strikes(&self.seen) => std::future::pending().await,
            _ => {}
        }
        Ok(())
    }
}

impl SqlProjection for Ledger {
    const NAME: &'static str = "ledger";
    const VERSION: u32 = 1;
    type Event = Entry;
    type Error = LedgerError;

    /// Fails where another comes in between.
    async fn create(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.seen.created.fetch_add(1, SeqCst);
        let find =
            sqlx::query("SELECT to_regclass($1) IS NOT NULL").bind(format!("\"{}\".sums", self.schema.0));
        if find.fetch_one(&mut *db).await?.try_get(0)? {
            return Ok(());
        }
        sqlx::query("SELECT pg_sleep(0.02)").execute(&mut *db).await?;
        let create = "CREATE TABLE {schema}.sums (account text PRIMARY KEY, total bigint NOT NULL);
            CREATE TABLE {schema}.entries (
                position bigint PRIMARY KEY,
                account text NOT NULL REFERENCES {schema}.sums DEFERRABLE INITIALLY DEFERRED,
                amount bigint NOT NULL CHECK (amount >= 0)
            )";
        sqlx::raw_sql(self.sql(create)).execute(db).await?;
        Ok(())
    }

    async fn apply(&self, events: &[Delivered<Entry>], db: &mut PgConnection) -> Result<(), LedgerError> {
        let _inside = Inside::new(&self.seen);
        self.seen.batches.lock().unwrap().push(events.iter().map(|event| event.position.get()).collect());
        for (nth, event) in events.iter().enumerate() {
            if nth == events.len() / 2
                && let Some(midst) = &*self.seen.midst.lock().unwrap()
            {
                midst();
            }
            self.enter(event, db).await?;
        }
        Ok(())
    }
}
