use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::Service;

/// Prometheus' text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Say what was measured, in Prometheus' text format
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses(
        (status = 200, description = "all metrics of this process", content_type = "text/plain", body = String),
    ),
)]
pub(super) async fn metrics(State(service): State<Service>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], service.recorder().render()).into_response()
}
