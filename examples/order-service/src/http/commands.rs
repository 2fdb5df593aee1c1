use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cqrs_axum::{
    Commands, ConditionParams, Conditions, PathId, Problem, Refusal, TOKEN,
    body::{self, Object},
    never,
};
use cqrs_core::{app::Receipt, envelope::Token};
use order_domain::{
    AlreadyCancelled, CancelOrder, ConfirmOrder, ConfirmOrderError, Lines, PlaceOrder, Reason,
};
use order_events::{Cents, CustomerId, OrderEvent, OrderId, OrderLine, Quantity, Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::codes::{INVALID_ORDER, ORDER_ALREADY_CANCELLED, ORDER_ALREADY_CONFIRMED};

/// Namespace of the ids of orders that are placed with an idempotency key and without an id.
const ORDER_KEYS: Uuid = Uuid::from_u128(0x3f0c_81d5_6f1b_5e0a_a3a7_90f2_5c1d_44b8);

/// An order to be placed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PlaceOrderBody {
    /// The order's id; without it the service chooses one.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._-]{1,128}$", example = "order-1")]
    order_id: Option<OrderId>,
    /// Who orders.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._-]{1,128}$", example = "ada")]
    customer_id: CustomerId,
    /// What is ordered; the total is at most 9223372036854775807 cents.
    #[schema(value_type = Vec<OrderLineBody>, min_items = 1)]
    lines: Vec<Object<OrderLineBody>>,
}

/// Some pieces of one article.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct OrderLineBody {
    /// The article.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._-]{1,128}$", example = "tea")]
    sku: Sku,
    /// How many of it.
    #[schema(value_type = u32, minimum = 1, example = 2)]
    quantity: Quantity,
    /// The price of one.
    #[schema(value_type = i64, minimum = 0, example = 450)]
    unit_price_cents: Cents,
}

/// Why an order is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CancelOrderBody {
    /// For people.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "changed my mind")]
    reason: Reason,
}

/// An order was placed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlacedBody {
    /// The order.
    #[schema(value_type = String)]
    order_id: OrderId,
    /// The order's version now.
    #[schema(example = 1)]
    version: u64,
    /// The place of the last event in the log.
    #[schema(example = 4711)]
    position: u64,
    /// Give it to a query as `Consistency-Token`.
    #[schema(value_type = String)]
    token: Token,
}

/// A command was executed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DoneBody {
    /// The order's version now.
    #[schema(example = 2)]
    version: u64,
    /// The place of the last event in the log.
    #[schema(example = 4712)]
    position: u64,
    /// Give it to a query as `Consistency-Token`.
    #[schema(value_type = String)]
    token: Token,
}

/// Place an order
#[utoipa::path(
    post, path = "/orders", tag = "commands", request_body = PlaceOrderBody,
    params(
        ConditionParams,
    ),
    responses(
        (status = 201, description = "placed", body = PlacedBody),
    ),
)]
pub(super) async fn place(
    State(commands): State<Commands>,
    conditions: Conditions,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let conditions = conditions.creating()?;
    let body: PlaceOrderBody = body::parse(&body::read(&headers, body).await?, INVALID_ORDER)?;
    let lines = body.lines.into_iter().map(|Object(line)| {
        let OrderLineBody { sku, quantity, unit_price_cents } = line;
        OrderLine { sku, quantity, unit_price_cents }
    });
    let lines = Lines::try_from(lines.collect::<Vec<_>>())
        .map_err(|error| body::invalid(INVALID_ORDER, "lines", &error))?;
    let order_id = match body.order_id {
        Some(id) => id,
        None => choose_id(conditions.key.as_deref())?,
    };
    let location = format!("/orders/{order_id}");
    let command = PlaceOrder { order_id: order_id.clone(), customer_id: body.customer_id, lines };
    let Receipt { version, position, token, .. } = commands.execute(command, conditions, never).await?;
    let body = PlacedBody { order_id, version: version.get(), position: position.get(), token };
    let headers = [(header::LOCATION, location), (TOKEN, token.to_string())];
    Ok((StatusCode::CREATED, headers, Json(body)).into_response())
}

/// With a key the id follows from it, so that a request that is sent again is the same command.
fn choose_id(key: Option<&str>) -> Result<OrderId, Problem> {
    let id = key.map_or_else(Uuid::now_v7, |key| Uuid::new_v5(&ORDER_KEYS, key.as_bytes()));
    id.to_string().parse().map_err(|error| Problem::internal(&error))
}

/// Confirm an order
#[utoipa::path(
    post, path = "/orders/{id}/confirm", tag = "commands",
    params(
        ("id" = String, Path, description = "the order"),
        ConditionParams,
    ),
    responses(
        (status = 200, description = "confirmed", body = DoneBody),
    ),
)]
pub(super) async fn confirm(
    State(commands): State<Commands>,
    PathId(order_id): PathId<OrderId>,
    conditions: Conditions,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body::read(&headers, body).await?;
    if !body.is_empty() {
        body::check_json(&body)?;
    }
    let receipt = commands.execute(ConfirmOrder { order_id }, conditions, not_confirmed).await?;
    Ok(done(&receipt))
}

/// Cancel an order, also a confirmed one
#[utoipa::path(
    post, path = "/orders/{id}/cancel", tag = "commands", request_body = CancelOrderBody,
    params(
        ("id" = String, Path, description = "the order"),
        ConditionParams,
    ),
    responses(
        (status = 200, description = "cancelled", body = DoneBody),
    ),
)]
pub(super) async fn cancel(
    State(commands): State<Commands>,
    PathId(order_id): PathId<OrderId>,
    conditions: Conditions,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let CancelOrderBody { reason } = body::parse(&body::read(&headers, body).await?, INVALID_ORDER)?;
    let receipt = commands.execute(CancelOrder { order_id, reason }, conditions, not_cancelled).await?;
    Ok(done(&receipt))
}

fn done(receipt: &Receipt<OrderEvent>) -> Response {
    let Receipt { version, position, token, .. } = receipt;
    let body = DoneBody { version: version.get(), position: position.get(), token: *token };
    ([(TOKEN, token.to_string())], Json(body)).into_response()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as any rejection is handed over")]
fn not_confirmed(error: &ConfirmOrderError) -> Problem {
    let code = match error {
        ConfirmOrderError::AlreadyConfirmed => ORDER_ALREADY_CONFIRMED,
        ConfirmOrderError::AlreadyCancelled => ORDER_ALREADY_CANCELLED,
    };
    Problem::new(code, error.to_string())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as any rejection is handed over")]
fn not_cancelled(error: &AlreadyCancelled) -> Problem {
    Problem::new(ORDER_ALREADY_CANCELLED, error.to_string())
}
