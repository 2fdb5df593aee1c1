use std::{error::Error, future::Future, time::Duration};

use cqrs_core::{
    domain::{OnError, Subscribe},
    envelope::Delivered,
    store::ProjectionId,
};
use sqlx::PgConnection;

/// A projection with SQL of its own: it is given the events of a batch and the open transaction, in which its checkpoint
/// is committed too. So each event counts exactly once, whatever its statements do.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use cqrs_core::{domain::{Subscribe, Subscription}, envelope::Delivered, prelude::*};
/// use cqrs_postgres::{PostgresEventStore, PostgresViewStore, SqlProjection, sqlx::{self, PgConnection}};
///
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Serialize, Deserialize)] pub struct OrderPlaced { customer: String, cents: i64 }
/// # #[derive(Event)] #[event(stream = "order", id = OrderId)] pub enum OrderEvent { Placed(OrderPlaced) }
/// /// What each customer has ordered.
/// struct Sales;
///
/// impl SqlProjection for Sales {
///     const NAME: &'static str = "sales";
///     const VERSION: u32 = 1;
///     type Event = OrderEvent;
///     type Error = sqlx::Error;
///
///     async fn create(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
///         sqlx::query("CREATE TABLE IF NOT EXISTS public.sales_v1 (customer text PRIMARY KEY, cents bigint NOT NULL)")
///             .execute(db)
///             .await?;
///         Ok(())
///     }
///
///     async fn apply(&self, events: &[Delivered<OrderEvent>], db: &mut PgConnection) -> Result<(), sqlx::Error> {
///         for Delivered { event: OrderEvent::Placed(placed), .. } in events {
///             sqlx::query(
///                 "INSERT INTO public.sales_v1 VALUES ($1, $2)
///                  ON CONFLICT (customer) DO UPDATE SET cents = sales_v1.cents + excluded.cents",
///             )
///             .bind(&placed.customer)
///             .bind(placed.cents)
///             .execute(&mut *db)
///             .await?;
///         }
///         Ok(())
///     }
/// }
///
/// # async fn build(url: &str) -> Result<App, Box<dyn std::error::Error>> {
/// let views = Arc::new(PostgresViewStore::connect(url).await?);
/// let app = App::builder(PostgresEventStore::connect(url).await?)
///     .batch_projection(views.sql(Sales))
///     .build()
///     .await?;
/// app.fresh_of(&Sales::id()).latest().await?; // the next query of `sales_v1` sees all up to here
/// # Ok(app)
/// # }
/// ```
///
/// # Faults
///
/// What a database error means is read from its code, also where it is the [source](Error::source) of the projection's
/// own error:
///
/// - What may pass is tried again, for ever, with the batch as it was: a connection that is lost, a time-out, a
///   deadlock, a server that starts or stops. So is what no event is to blame for: a table that is not there, a wrong
///   statement, a right that is missing. The projection's health says what is in the way.
/// - All else is the fault of an event: a constraint that is broken, a value out of range, an error of the projection's
///   own, a panic, an event that can't be read. The batch is rolled back and tried in parts, until the event that fails
///   alone is found; it is parked as a dead letter, later events of its stream behind it, and the others go on.
///
/// # The transaction
///
/// It is `READ COMMITTED`, and begins with a lock on the projection's checkpoint: of several processes with one
/// projection only one is in [`apply`](Self::apply) at a time, on events that no other has applied. It is not for the
/// projection to commit or roll back; nested transactions (savepoints) are fine. Statements are bound by the store's
/// `statement_timeout`, and a batch as a whole by [`HandWritten::time_limit`](crate::HandWritten::time_limit).
///
/// Behind a PgBouncer that knows no prepared statements ([`pgbouncer`](crate::ViewStoreOptions::pgbouncer)), each of the
/// projection's statements is to be `.persistent(false)`.
///
/// Names of tables are best given with their schema. The view store's own schema is not in the `search_path`.
pub trait SqlProjection: Send + Sync + 'static {
    /// The stable name, such as `sales`.
    const NAME: &'static str;

    /// Version of what it writes. Another version is another projection, which begins at the start of the log: let it
    /// have tables of its own.
    const VERSION: u32;

    /// The lag that it promises to stay under, where it promises one.
    const MAX_LAG: Option<Duration> = None;

    /// What happens with an event that it refuses alone.
    const ON_ERROR: OnError = OnError::Park;

    /// What it is given: an event set, or an enum of your own over several (see [`Subscribe`]).
    type Event: Subscribe;

    /// Why it refuses a batch: [`sqlx::Error`], or an error of your own that has it as its source.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send;

    /// Creates its tables, unless they are there. Called when the application starts, in a transaction, one process after
    /// the other. Default: does nothing, for tables that come by other migrations.
    ///
    /// # Errors
    ///
    /// Those of its statements: always the driver's, also where [`apply`](Self::apply) has errors of its own, as there are
    /// no events here that could be at fault. The application is not built then, unless the database is away.
    fn create(&self, db: &mut PgConnection) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        let _ = db;
        async { Ok(()) }
    }

    /// Writes what these events do. They come in the order of the log, each once, at least one and up to as many as
    /// [`RuntimeOptions::batch`](cqrs_core::runtime::RuntimeOptions::batch) says. It may be called again with some of
    /// them after it has failed, and what it wrote then is gone.
    ///
    /// # Errors
    ///
    /// See [faults](Self#faults).
    fn apply(
        &self,
        events: &[Delivered<Self::Event>],
        db: &mut PgConnection,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Name and version, to [ask for its freshness](cqrs_core::app::App::fresh_of).
    fn id() -> ProjectionId {
        ProjectionId::new(Self::NAME, Self::VERSION)
    }
}
