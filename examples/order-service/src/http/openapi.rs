use std::collections::BTreeMap;

use axum::Json;
use cqrs_axum::{Code, MEDIA_TYPE, ProblemBody};
use utoipa::{
    OpenApi,
    openapi::{
        self, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder,
        path::Operation,
        schema::{SchemaType, Type},
    },
};

use super::{codes, health, metrics, page};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Order service",
        description = "Takes orders, keeps them as events, and answers queries from views of them. Every error is \
                       `application/problem+json`; its `code` never changes. Money is integer cents, times are \
                       RFC 3339 in UTC."
    ),
    paths(page::page, document, health::live, health::ready, metrics::metrics),
    components(schemas(ProblemBody)),
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
#[openapi(paths(super::queries::order, super::queries::orders, super::queries::customer, super::live::live))]
struct Queries;

/// Describes all that this program can answer, whatever its role.
#[must_use]
pub fn description() -> openapi::OpenApi {
    #[cfg_attr(
        not(any(feature = "command", feature = "query")),
        expect(unused_mut, reason = "a build may have neither commands nor queries")
    )]
    let mut description = Operations::openapi();
    #[cfg(feature = "command")]
    description.merge(Commands::openapi());
    #[cfg(feature = "query")]
    description.merge(Queries::openapi());
    for item in description.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            add_headers(operation);
            add_problems(operation);
        }
    }
    description
}

/// Describe all of this
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses(
    (status = 200, description = "OpenAPI", content_type = "application/json", body = Object),
))]
pub(super) async fn document() -> Json<openapi::OpenApi> {
    Json(description())
}

/// The problems that an operation, by its id, answers with besides [`Code::INTERNAL`].
fn problems(operation: &str) -> Vec<Code> {
    use codes::{
        BAD_STATUS, INVALID_ORDER, NOT_IN_THIS_ROLE, NOT_READY, ORDER_ALREADY_CANCELLED,
        ORDER_ALREADY_CONFIRMED, ORDER_ALREADY_PLACED, ORDER_NOT_FOUND,
    };
    const COMMAND: &[Code] = &[
        Code::BAD_JSON,
        Code::BAD_BODY,
        Code::BAD_IDEMPOTENCY_KEY,
        Code::BAD_IF_MATCH,
        NOT_IN_THIS_ROLE,
        Code::BODY_TIMEOUT,
        Code::VERSION_MISMATCH,
        Code::BODY_TOO_LARGE,
        Code::IDEMPOTENCY_KEY_REUSED,
        Code::WRITE_STORE_UNAVAILABLE,
    ];
    const QUERY: &[Code] = &[
        Code::BAD_ID,
        Code::BAD_TOKEN,
        Code::BAD_TIMEOUT,
        Code::BAD_MAX_LAG,
        Code::BAD_FALLBACK,
        NOT_IN_THIS_ROLE,
        Code::FOREIGN_TOKEN,
        Code::NOT_YET_CONSISTENT,
    ];
    let sets: [&[Code]; 2] = match operation {
        "place" => [COMMAND, &[INVALID_ORDER, ORDER_ALREADY_PLACED]],
        "confirm" => {
            [COMMAND, &[Code::BAD_ID, ORDER_NOT_FOUND, ORDER_ALREADY_CONFIRMED, ORDER_ALREADY_CANCELLED]]
        }
        "cancel" => [COMMAND, &[Code::BAD_ID, INVALID_ORDER, ORDER_NOT_FOUND, ORDER_ALREADY_CANCELLED]],
        "history" => [QUERY, &[ORDER_NOT_FOUND, Code::WRITE_STORE_UNAVAILABLE]],
        "order" => [QUERY, &[ORDER_NOT_FOUND, Code::READ_STORE_UNAVAILABLE]],
        "orders" => [QUERY, &[BAD_STATUS, Code::BAD_LIMIT, Code::BAD_AFTER, Code::READ_STORE_UNAVAILABLE]],
        "customer" => [QUERY, &[Code::READ_STORE_UNAVAILABLE]],
        "live" => [
            QUERY,
            &[
                Code::CONTRADICTORY_HEADERS,
                Code::READ_STORE_UNAVAILABLE,
                Code::STOPPING,
                Code::TOO_MANY_STREAMS,
            ],
        ],
        "page" => [&[NOT_IN_THIS_ROLE], &[]],
        "ready" => [&[NOT_READY], &[]],
        _ => [&[], &[]],
    };
    sets.concat()
}

fn add_problems(operation: &mut Operation) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in
        problems(operation.operation_id.as_deref().unwrap_or_default()).into_iter().chain([Code::INTERNAL])
    {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let names: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", code.name(), code.title())).collect();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let mut response = ResponseBuilder::new().description(names.join("; ")).content(MEDIA_TYPE, content);
        if status == 503 {
            response = response.header("Retry-After", header(Type::Integer, "Seconds"));
        }
        operation.responses.responses.insert(status.to_string(), RefOr::T(response.build()));
    }
}

/// The headers that all answers of a kind have in common.
fn add_headers(operation: &mut Operation) {
    let is = |tag| operation.tags.iter().flatten().any(|it| it == tag);
    let mut headers: Vec<(&str, Type, &str)> = Vec::new();
    if is("commands") {
        headers.push(("Consistency-Token", Type::String, "Give it to a query to see what this command did"));
    }
    if is("queries") {
        headers.extend([
            ("Consistency-Position", Type::Integer, "All events up to here are in the answer"),
            ("Consistency-Lag", Type::String, "How far the answer may be behind, such as `12ms`"),
            ("Consistency-Stale", Type::Boolean, "It is less fresh than asked for"),
            ("Consistency-Token", Type::String, "Give it to the next query, and that one is not older"),
        ]);
    }
    if operation.operation_id.as_deref() == Some("place") {
        headers.push(("Location", Type::String, "The order"));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let described = headers
                .iter()
                .map(|(name, kind, text)| ((*name).to_owned(), RefOr::T(header(kind.clone(), text))));
            response.headers.extend(described);
        }
    }
}

fn header(kind: Type, description: &str) -> openapi::Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind)).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
