use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cqrs_core::{
    app::{App, ExecuteError, Receipt},
    domain::{Command, Handle},
    envelope::{CommandId, Token, Version},
    runtime::with_causes,
    store::{self, AppendError},
};
use order_domain::{
    AlreadyCancelled, CancelOrder, ConfirmOrder, ConfirmOrderError, Lines, Order, PlaceOrder, Reason,
};
use order_events::{Cents, CustomerId, OrderEvent, OrderId, OrderLine, Quantity, Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Code, Problem,
    body::{self, Object},
    conditions::{ConditionParams, Conditions},
    consistency::TOKEN,
    problem,
    request::path_id,
};

/// How long the write store may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let conditions = Conditions::of_new(&headers)?;
    let body: PlaceOrderBody = body::parse(&body::read(&headers, body).await?)?;
    let lines = body.lines.into_iter().map(|Object(line)| {
        let OrderLineBody { sku, quantity, unit_price_cents } = line;
        OrderLine { sku, quantity, unit_price_cents }
    });
    let lines = Lines::try_from(lines.collect::<Vec<_>>()).map_err(|error| body::invalid("lines", &error))?;
    let order_id = match body.order_id {
        Some(id) => id,
        None => choose_id(conditions.key.as_deref())?,
    };
    let location = format!("/orders/{order_id}");
    let command = PlaceOrder { order_id: order_id.clone(), customer_id: body.customer_id, lines };
    let Receipt { version, position, token, .. } = execute(&app, command, conditions).await?;
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
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let order_id = path_id(id)?;
    let conditions = Conditions::of(&headers)?;
    let body = body::read(&headers, body).await?;
    if !body.is_empty() {
        body::check_json(&body)?;
    }
    let receipt = execute(&app, ConfirmOrder { order_id }, conditions).await?;
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
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let order_id = path_id(id)?;
    let conditions = Conditions::of(&headers)?;
    let CancelOrderBody { reason } = body::parse(&body::read(&headers, body).await?)?;
    let receipt = execute(&app, CancelOrder { order_id, reason }, conditions).await?;
    Ok(done(&receipt))
}

fn done(receipt: &Receipt<OrderEvent>) -> Response {
    let Receipt { version, position, token, .. } = receipt;
    let body = DoneBody { version: version.get(), position: position.get(), token: *token };
    ([(TOKEN, token.to_string())], Json(body)).into_response()
}

/// Why a command has no receipt.
pub(super) enum Refusal {
    /// A new problem.
    New(Problem),
    /// What the same request was told the first time.
    Remembered(String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::New(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Deserialize)]
        struct OfStatus {
            status: u16,
        }
        let answer = match self {
            Self::New(problem) => return problem.into_response(),
            Self::Remembered(answer) => answer,
        };
        let status = serde_json::from_str(&answer)
            .ok()
            .and_then(|OfStatus { status }| StatusCode::from_u16(status).ok());
        match status {
            Some(status) => problem::respond(status, answer),
            None => {
                Problem::internal(&std::io::Error::other("what was remembered of a command is no problem"))
                    .into_response()
            }
        }
    }
}

/// The domain's own no.
trait Rejection: std::error::Error + Send + Sync + 'static {
    fn code(&self) -> Code;
}

impl Rejection for Infallible {
    fn code(&self) -> Code {
        match *self {}
    }
}

impl Rejection for ConfirmOrderError {
    fn code(&self) -> Code {
        match self {
            Self::AlreadyConfirmed => Code::OrderAlreadyConfirmed,
            Self::AlreadyCancelled => Code::OrderAlreadyCancelled,
        }
    }
}

impl Rejection for AlreadyCancelled {
    fn code(&self) -> Code {
        Code::OrderAlreadyCancelled
    }
}

async fn execute<C>(app: &App, command: C, conditions: Conditions) -> Result<Receipt<OrderEvent>, Refusal>
where
    C: Command<Aggregate = Order>,
    Order: Handle<C, Error: Rejection>,
{
    let creates = C::NAME == PlaceOrder::NAME;
    let at = conditions.version;
    let mut execute = app.execute(command);
    if let Some(version) = at {
        execute = execute.at(version);
    }
    if let Some(key) = conditions.key {
        execute = execute.id(CommandId::from_key(&key)).remember(move |error| {
            let lasts = match error {
                ExecuteError::Rejected(_)
                | ExecuteError::AlreadyExists { .. }
                | ExecuteError::NotFound { .. } => true,
                ExecuteError::Conflict { .. } => at.is_some(),
                _ => false,
            };
            lasts.then(|| problem_of(error, creates, at).text())
        });
    }
    match tokio::time::timeout(PATIENCE, execute).await {
        Ok(Ok(receipt)) => Ok(receipt),
        Ok(Err(ExecuteError::Remembered { answer, .. })) => Err(Refusal::Remembered(answer)),
        Ok(Err(error)) => Err(problem_of(&error, creates, at).into()),
        Err(_) => Err(unavailable(&format!("it did not answer within {} s", PATIENCE.as_secs())).into()),
    }
}

fn problem_of<E: Rejection>(error: &ExecuteError<E>, creates: bool, at: Option<Version>) -> Problem {
    match error {
        ExecuteError::Rejected(rejection) => Problem::new(rejection.code(), rejection.to_string()),
        ExecuteError::AlreadyExists { stream } => {
            Problem::new(Code::OrderAlreadyPlaced, format!("the order {:?} is placed already", stream.id()))
        }
        ExecuteError::NotFound { stream } => super::order_not_found(stream.id()),
        ExecuteError::Conflict { stream, actual: Version::ZERO, .. } if !creates => {
            super::order_not_found(stream.id())
        }
        ExecuteError::Conflict { stream, actual, .. } => match at {
            Some(expected) => {
                let detail = format!("the order {:?} is at version {actual}, not at {expected}", stream.id());
                Problem::new(Code::VersionMismatch, detail).disagree(expected.get(), actual.get())
            }
            None => unavailable(&format!("too many commands to the order {:?} at once", stream.id())),
        },
        ExecuteError::CommandIdReused { .. } => Problem::new(
            Code::IdempotencyKeyReused,
            "this idempotency key came with another request before; use a new key for a new request",
        ),
        ExecuteError::Append { source: AppendError::TooLarge { .. }, .. } => {
            Problem::new(Code::BodyTooLarge, "the order is larger than the write store takes")
        }
        ExecuteError::Load { source: store::Error::Closed, .. }
        | ExecuteError::Append { source: AppendError::Store(store::Error::Closed), .. } => {
            unavailable("it is closed")
        }
        error if error.is_retryable() => {
            tracing::warn!(error = with_causes(error), "a command met a write store that is away");
            unavailable(&error.to_string())
        }
        error => Problem::internal(error),
    }
}

/// What has happened is not always known, so a retry is only safe with a key.
fn unavailable(why: &str) -> Problem {
    let detail =
        format!("{why}; send the request again, with an `Idempotency-Key` where it must not be done twice");
    Problem::new(Code::WriteStoreUnavailable, detail)
}
