use std::{collections::HashMap, future::Future, time::Duration};

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use cqrs_core::{
    app::App,
    domain::Projection,
    query::{Answer, Freshness, Page, QueryError, View, ViewQuery, Views, ViewsQuery},
};
use order_events::{OrderLine, Status};
use order_views::{CustomerSummary, OrderSummary};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{
    Code, Problem,
    consistency::{self, Consistency, Wish, WishParams},
    order_not_found,
    request::path_id,
};

/// What answers queries.
#[derive(Clone, Debug)]
pub(super) enum Reads {
    /// A process that builds the views, and so knows the log.
    App(App),
    /// A process that has the read store alone.
    Views(Views),
}

/// How long the read store may take beyond what the query agreed to wait.
const PATIENCE: Duration = Duration::from_secs(5);

impl Reads {
    async fn view<P: Projection>(
        &self,
        key: &P::Key,
        wish: Wish,
    ) -> Result<Answer<Option<View<P>>>, Problem> {
        fn demand<P: Projection, From>(
            query: ViewQuery<P, From>,
            freshness: Freshness,
            within: Duration,
            or_stale: bool,
        ) -> ViewQuery<P, From> {
            let query = query.freshness(freshness).within(within);
            if or_stale { query.or_stale() } else { query }
        }
        meet(wish, |freshness, within| async move {
            match self {
                Self::App(app) => demand(app.view::<P>(key), freshness, within, wish.or_stale).await,
                Self::Views(views) => demand(views.view::<P>(key), freshness, within, wish.or_stale).await,
            }
        })
        .await
    }

    async fn views<P: Projection>(
        &self,
        wish: Wish,
        find: impl Fn(ViewsQuery<P>) -> ViewsQuery<P>,
    ) -> Result<Answer<Page<P>>, Problem> {
        meet(wish, |freshness, within| {
            let query = match self {
                Self::App(app) => app.views::<P>(),
                Self::Views(views) => views.views::<P>(),
            };
            let query = find(query).freshness(freshness).within(within);
            async move { if wish.or_stale { query.or_stale().await } else { query.await } }
        })
        .await
    }
}

/// Asks until a wish is met. With a token and a bound in time the answer keeps both: it is asked for again once the
/// token is met, and the read store never goes back.
async fn meet<T, A>(wish: Wish, ask: impl Fn(Freshness, Duration) -> A) -> Result<Answer<T>, Problem>
where
    A: Future<Output = Result<Answer<T>, QueryError>>,
{
    let deadline = Instant::now() + wish.within;
    let asking = async {
        let (first, second) = match (wish.token, wish.max_lag) {
            (None, None) => (Freshness::Any, None),
            (Some(token), max_lag) => (Freshness::AtLeast(token), max_lag.map(Freshness::MaxLag)),
            (None, Some(max_lag)) => (Freshness::MaxLag(max_lag), None),
        };
        let answer = ask(first, wish.within).await?;
        let Some(second) = second else { return Ok(answer) };
        let stale = answer.provenance.stale;
        let mut answer = ask(second, deadline.saturating_duration_since(Instant::now())).await?;
        answer.provenance.stale |= stale;
        Ok(answer)
    };
    let answer = tokio::time::timeout(wish.within + PATIENCE, asking).await.map_err(|_| {
        let detail = format!("the read store did not answer within {:?}", wish.within + PATIENCE);
        Problem::new(Code::ReadStoreUnavailable, detail)
    })?;
    answer.map_err(|error| consistency::problem_of(&error))
}

/// An order as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderBody {
    /// The order.
    order_id: String,
    /// Whose it is.
    customer_id: String,
    /// `placed`, `confirmed` or `cancelled`.
    #[schema(value_type = StatusBody)]
    status: Status,
    /// What is ordered.
    #[schema(value_type = Vec<LineBody>)]
    lines: Vec<OrderLine>,
    /// The price of all lines together.
    total_cents: i64,
    /// RFC 3339, UTC.
    #[schema(example = "2026-01-31T12:00:00.123456Z")]
    placed_at: String,
    /// When the status changed last; RFC 3339, UTC.
    #[schema(example = "2026-01-31T12:00:00.123456Z")]
    updated_at: String,
}

/// How an order stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes the domain's type, which knows no HTTP")]
pub(super) enum StatusBody {
    Placed,
    Confirmed,
    Cancelled,
}

/// Some pieces of one article.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the domain's type, which knows no HTTP")]
pub(super) struct LineBody {
    /// The article.
    sku: String,
    /// How many of it.
    quantity: u32,
    /// The price of one.
    unit_price_cents: i64,
}

impl From<View<OrderSummary>> for OrderBody {
    fn from(view: View<OrderSummary>) -> Self {
        let OrderSummary { customer_id, status, lines, total_cents, placed_at, updated_at } = view.document;
        Self {
            order_id: view.key.to_string(),
            customer_id: customer_id.to_string(),
            status,
            lines,
            total_cents: total_cents.get(),
            placed_at: placed_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

/// Some of a customer's orders.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrdersBody {
    /// The newest first.
    orders: Vec<OrderBody>,
    /// Give it back as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

/// What a customer has ordered so far.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CustomerBody {
    /// The customer.
    customer_id: String,
    /// All orders, whatever became of them.
    orders: u64,
    /// Those that are confirmed now.
    confirmed: u64,
    /// Those that are cancelled.
    cancelled: u64,
    /// The price of all orders but the cancelled ones.
    #[schema(value_type = i64)]
    total_cents: i128,
}

/// Get an order
#[utoipa::path(
    get, path = "/orders/{id}", tag = "queries",
    params(
        ("id" = String, Path, description = "the order"),
        WishParams,
    ),
    responses(
        (status = 200, description = "the order", body = OrderBody),
    ),
)]
pub(super) async fn order(
    State(reads): State<Reads>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, wish) = (path_id(id)?, Wish::of(&headers)?);
    let answer = reads.view::<OrderSummary>(&id, wish).await?;
    let consistency = Consistency::from(answer.provenance);
    Ok(match answer.value {
        Some(view) => (consistency, Json(OrderBody::from(view))).into_response(),
        None => (consistency, order_not_found(&id)).into_response(),
    })
}

/// List a customer's orders
#[utoipa::path(
    get, path = "/customers/{id}/orders", tag = "queries",
    params(
        ("id" = String, Path, description = "the customer; of an unknown one the list is empty"),
        ("status" = Option<StatusBody>, Query, description = "only orders that stand so"),
        ("limit" = Option<u32>, Query, description = "1 to 200; by default 50", minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "the `next` of the page before"),
        WishParams,
    ),
    responses(
        (status = 200, description = "the orders, the newest first", body = OrdersBody),
    ),
)]
pub(super) async fn orders(
    State(reads): State<Reads>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (customer, wish) = (path_id(id)?, Wish::of(&headers)?);
    let Selection { status, limit, after } = Selection::of(query.as_deref().unwrap_or_default())?;
    let find = |query: ViewsQuery<OrderSummary>| {
        let mut query = query.filter(OrderSummary::customer_id().eq(&customer)).newest_first().limit(limit);
        if let Some(status) = &status {
            query = query.filter(OrderSummary::status().eq(status));
        }
        if let Some(after) = &after {
            query = query.after(after);
        }
        query
    };
    let Answer { value: Page { items, next, .. }, provenance, .. } = reads.views(wish, find).await?;
    let orders = items.into_iter().map(OrderBody::from).collect();
    let body = OrdersBody { orders, next: next.map(|next| next.to_string()) };
    Ok((Consistency::from(provenance), Json(body)).into_response())
}

/// Sum up a customer's orders
#[utoipa::path(
    get, path = "/customers/{id}", tag = "queries",
    params(
        ("id" = String, Path, description = "the customer; of one who never ordered all numbers are 0"),
        WishParams,
    ),
    responses(
        (status = 200, description = "the sums", body = CustomerBody),
    ),
)]
pub(super) async fn customer(
    State(reads): State<Reads>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, wish) = (path_id(id)?, Wish::of(&headers)?);
    let answer = reads.view::<CustomerSummary>(&id, wish).await?;
    let summary = answer.value.map(|view| view.document).unwrap_or_default();
    let CustomerSummary { orders, confirmed, cancelled, total_cents } = summary;
    let total_cents = total_cents.cents();
    let body = CustomerBody { customer_id: id.to_string(), orders, confirmed, cancelled, total_cents };
    Ok((Consistency::from(answer.provenance), Json(body)).into_response())
}

/// Which orders are wanted.
struct Selection {
    status: Option<Status>,
    limit: usize,
    after: Option<cqrs_core::query::Cursor>,
}

impl Selection {
    const DEFAULT_LIMIT: usize = 50;
    const MAX_LIMIT: usize = 200;

    /// Other parameters are not looked at.
    fn of(query: &str) -> Result<Self, Problem> {
        let mut given = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let code = match &*name {
                "status" => Code::BadStatus,
                "limit" => Code::BadLimit,
                "after" => Code::BadAfter,
                _ => continue,
            };
            if given.insert(code.name(), value).is_some() {
                return Err(Problem::new(code, format!("`{name}` is given more than once")));
            }
        }
        let status = match given.get(Code::BadStatus.name()).map(|status| &**status) {
            None => None,
            Some("placed") => Some(Status::Placed),
            Some("confirmed") => Some(Status::Confirmed),
            Some("cancelled") => Some(Status::Cancelled),
            Some(other) => {
                let other: String = other.chars().take(64).collect();
                let detail = format!("`status` is {other:?}, but it is `placed`, `confirmed` or `cancelled`");
                return Err(Problem::new(Code::BadStatus, detail));
            }
        };
        let limit = match given.get(Code::BadLimit.name()) {
            None => Self::DEFAULT_LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=Self::MAX_LIMIT).contains(limit));
                limit.ok_or_else(|| {
                    let text: String = text.chars().take(64).collect();
                    let detail =
                        format!("`limit` is {text:?}, but it is a number from 1 to {}", Self::MAX_LIMIT);
                    Problem::new(Code::BadLimit, detail)
                })?
            }
        };
        let after = given.get(Code::BadAfter.name()).map(|text| {
            text.parse().map_err(|error: cqrs_core::query::CursorError| {
                Problem::new(Code::BadAfter, format!("`after`: {error}"))
            })
        });
        Ok(Self { status, limit, after: after.transpose()? })
    }
}
