use axum::Json;
use utoipa::{OpenApi, openapi};

use super::{health, page};

#[derive(OpenApi)]
#[openapi(
    info(title = "Order service", description = "Takes orders, keeps them as events, and answers queries from views of them. Every error is `application/problem+json`."),
    paths(page::page, document, health::live, health::ready),
    tags(
        (name = "commands", description = "Change an order"),
        (name = "queries", description = "Ask for orders, and say how fresh the answer has to be"),
        (name = "operations", description = "Run the service"),
    ),
)]
struct Operations;

#[cfg(feature = "command")]
#[derive(OpenApi)]
#[openapi(paths(
    super::commands::place,
    super::commands::confirm,
    super::commands::cancel,
    super::history::history,
))]
struct Commands;

#[cfg(feature = "query")]
#[derive(OpenApi)]
#[openapi(paths(super::queries::order, super::queries::orders, super::queries::customer))]
struct Queries;

/// Describes all that this program can answer, whatever its role.
pub fn description() -> openapi::OpenApi {
    #[allow(unused_mut, reason = "a build may have neither commands nor queries")]
    let mut description = Operations::openapi();
    #[cfg(feature = "command")]
    description.merge(Commands::openapi());
    #[cfg(feature = "query")]
    description.merge(Queries::openapi());
    description
}

/// Describe all of this
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI", content_type = "application/json", body = Object)))]
pub(super) async fn document() -> Json<openapi::OpenApi> {
    Json(description())
}
