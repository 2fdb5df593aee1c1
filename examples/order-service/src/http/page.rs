use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

use crate::{Role, Service};

/// Nothing but what is in the page itself may run, and it talks to this service alone.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether this process shows the page: it takes commands and answers queries.
#[must_use]
pub fn has_page(service: &Service) -> bool {
    service.role() == Role::All
}

/// Show a page to place orders and to watch the views follow
#[utoipa::path(
    get, path = "/", tag = "operations",
    responses(
        (status = 200, description = "the page", content_type = "text/html", body = String),
    ),
)]
pub(super) async fn page() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(include_str!("page.html"))).into_response()
}
