use axum::{extract::State, http::HeaderMap, response::Response};
use cqrs_axum::{Consistency, LiveStreams, PathId, Problem, Queries, Wish, WishParams};
use order_events::OrderId;
use order_views::OrderSummary;
use serde::Serialize;
use utoipa::ToSchema;

use super::queries::OrderBody;

/// What serves live views.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) queries: Queries,
    pub(super) streams: LiveStreams,
}

/// The `data` of an event `view`.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes what `cqrs-axum` sends")]
pub(super) struct LiveBody {
    /// The order as it stands; `null` where there is none.
    view: Option<OrderBody>,
    /// How fresh that is. The event's `id` is its token.
    consistency: Consistency,
}

/// Watch an order: server-sent events, one now and one after each change
#[utoipa::path(
    get, path = "/orders/{id}/live", tag = "queries",
    params(
        ("id" = String, Path, description = "the order; of an unknown one the view is `null`"),
        WishParams,
        ("Last-Event-ID" = Option<String>, Header, description = "the token of the event that was seen last: nothing older is sent"),
    ),
    responses(
        (
            status = 200, content_type = "text/event-stream", body = LiveBody,
            description = "events `view`, with a token as their `id`; a slow reader gets the newest state alone. An event \
                           `problem`, with a problem as its `data`, says that the read store is away; the stream goes on. \
                           It ends when the service stops",
        ),
    ),
)]
pub(super) async fn live(
    State(Live { queries, streams }): State<Live>,
    PathId(order): PathId<OrderId>,
    wish: Wish,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    streams.serve::<OrderSummary, _>(&queries, &order, wish.resumed(&headers)?, OrderBody::from).await
}
