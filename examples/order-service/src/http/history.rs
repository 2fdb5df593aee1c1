use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use cqrs_axum::{Code, PathId, Problem, Wish, WishParams};
use cqrs_core::{
    app::App,
    domain::Event,
    envelope::{Json as Data, Position, RecordedEvent, StreamId, Version},
    store::StreamRead,
};
use order_events::{OrderEvent, OrderId};
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::order_not_found;

/// How long the write store may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many events are read at once.
const PAGE: usize = 200;

/// What happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryBody {
    /// The oldest first.
    events: Vec<EventBody>,
}

/// An event, with its data in the newest schema.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventBody {
    /// The event.
    #[schema(format = "uuid")]
    event_id: String,
    /// Its place among the order's events.
    version: u64,
    /// Its place in the log.
    position: u64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "order_placed")]
    kind: &'static str,
    /// The schema of the data.
    schema_version: u32,
    /// RFC 3339, UTC.
    #[schema(example = "2026-01-31T12:00:00.123456Z")]
    recorded_at: String,
    /// The same for all that follows from one request.
    #[schema(format = "uuid")]
    correlation_id: String,
    /// The command that led to it.
    #[schema(format = "uuid")]
    causation_id: Option<String>,
    /// All about it.
    #[schema(value_type = Object)]
    data: Data,
}

/// List what happened to an order, from the log
#[utoipa::path(
    get, path = "/orders/{id}/history", tag = "queries",
    params(
        ("id" = String, Path, description = "the order"),
        WishParams,
    ),
    responses(
        (status = 200, description = "the events, the oldest first", body = HistoryBody),
    ),
)]
pub(super) async fn history(
    State(app): State<App>,
    PathId(id): PathId<OrderId>,
    wish: Wish,
) -> Result<Response, Problem> {
    let read = tokio::time::timeout(PATIENCE, read(&app, &id)).await.unwrap_or_else(|_| {
        let detail = format!("it did not answer within {} s", PATIENCE.as_secs());
        Err(Problem::new(Code::WRITE_STORE_UNAVAILABLE, detail))
    });
    let (head, events) = read?;
    let consistency = wish.of_log(app.log_id(), head)?;
    if events.is_empty() {
        return Ok((consistency, order_not_found(&id)).into_response());
    }
    let events: Result<Vec<_>, _> = events.iter().map(EventBody::of).collect();
    Ok((consistency, Json(HistoryBody { events: events? })).into_response())
}

/// The head of the log, and then the order's events: all up to that head are among them.
async fn read(app: &App, id: &OrderId) -> Result<(Position, Vec<RecordedEvent>), Problem> {
    let log = app.event_store();
    let stream =
        StreamId::new(OrderEvent::STREAM, id.to_string()).map_err(|error| Problem::internal(&error))?;
    let head = log.head().await.map_err(|error| Problem::of_write_store(&error))?;
    let mut events: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = events.last().map_or(Version::ZERO, |last| last.version);
        let page = log
            .read_stream(&stream, StreamRead::After(after), PAGE)
            .await
            .map_err(|error| Problem::of_write_store(&error))?;
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            return Ok((head, events));
        }
    }
}

impl EventBody {
    fn of(recorded: &RecordedEvent) -> Result<Self, Problem> {
        let event: OrderEvent = recorded.decode().map_err(|error| Problem::internal(&error))?;
        let data = event.encode().map_err(|error| Problem::internal(&error))?;
        let metadata = &recorded.metadata;
        Ok(Self {
            event_id: recorded.event_id.to_string(),
            version: recorded.version.get(),
            position: recorded.position.get(),
            kind: event.event_type().name,
            schema_version: event.event_type().version.get(),
            recorded_at: metadata.time.to_string(),
            correlation_id: metadata.correlation_id.to_string(),
            causation_id: metadata.causation_id.map(|id| id.to_string()),
            data,
        })
    }
}
