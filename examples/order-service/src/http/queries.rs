use std::collections::HashMap;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use cqrs_axum::{Code, Consistency, PathId, Problem, Queries, Wish, WishParams};
use cqrs_core::query::{Answer, Page, View, ViewsQuery};
use order_events::{CustomerId, OrderId, OrderLine, Status};
use order_views::{CustomerSummary, OrderSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::{BAD_STATUS, order_not_found};

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
    State(queries): State<Queries>,
    PathId(id): PathId<OrderId>,
    wish: Wish,
) -> Result<Response, Problem> {
    let answer = queries.view::<OrderSummary>(&id, wish).await?;
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
    State(queries): State<Queries>,
    PathId(customer): PathId<CustomerId>,
    wish: Wish,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
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
    let Answer { value: Page { items, next, .. }, provenance, .. } = queries.views(wish, find).await?;
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
    State(queries): State<Queries>,
    PathId(id): PathId<CustomerId>,
    wish: Wish,
) -> Result<Response, Problem> {
    let answer = queries.view::<CustomerSummary>(&id, wish).await?;
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
                "status" => BAD_STATUS,
                "limit" => Code::BAD_LIMIT,
                "after" => Code::BAD_AFTER,
                _ => continue,
            };
            if given.insert(code.name(), value).is_some() {
                return Err(Problem::new(code, format!("`{name}` is given more than once")));
            }
        }
        let status = match given.get(BAD_STATUS.name()).map(|status| &**status) {
            None => None,
            Some("placed") => Some(Status::Placed),
            Some("confirmed") => Some(Status::Confirmed),
            Some("cancelled") => Some(Status::Cancelled),
            Some(other) => {
                let other: String = other.chars().take(64).collect();
                let detail = format!("`status` is {other:?}, but it is `placed`, `confirmed` or `cancelled`");
                return Err(Problem::new(BAD_STATUS, detail));
            }
        };
        let limit = match given.get(Code::BAD_LIMIT.name()) {
            None => Self::DEFAULT_LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=Self::MAX_LIMIT).contains(limit));
                limit.ok_or_else(|| {
                    let text: String = text.chars().take(64).collect();
                    let detail =
                        format!("`limit` is {text:?}, but it is a number from 1 to {}", Self::MAX_LIMIT);
                    Problem::new(Code::BAD_LIMIT, detail)
                })?
            }
        };
        let after = given.get(Code::BAD_AFTER.name()).map(|text| {
            text.parse().map_err(|error: cqrs_core::query::CursorError| {
                Problem::new(Code::BAD_AFTER, format!("`after`: {error}"))
            })
        });
        Ok(Self { status, limit, after: after.transpose()? })
    }
}
