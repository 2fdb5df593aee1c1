use axum::{
    Router,
    http::Method,
    routing::{MethodRouter, any, get},
};
use cqrs_axum::{Problem, fallback};
use tower_http::catch_panic::CatchPanicLayer;

use super::{codes, health, metrics, openapi, page};
use crate::{Role, Service};

/// A path, and what answers there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Route {
    /// As the router and the description write it.
    pub path: &'static str,
    /// The methods that it answers.
    pub methods: &'static [Method],
    handler: MethodRouter,
}

const GET: &[Method] = &[Method::GET];
#[cfg(feature = "command")]
const POST: &[Method] = &[Method::POST];

/// All routes, as the role of this process has them.
pub fn routes(service: &Service) -> Vec<Route> {
    let fixed = |path, handler: MethodRouter| Route { path, methods: GET, handler };
    #[cfg_attr(
        not(any(feature = "command", feature = "query")),
        expect(unused_mut, reason = "a build may have neither commands nor queries")
    )]
    let mut routes = vec![
        fixed("/", if page::has_page(service) { get(page::page) } else { elsewhere(&[Role::All]) }),
        fixed("/openapi.json", get(openapi::document)),
        fixed("/health/live", get(health::live)),
        fixed("/health/ready", get(health::ready).with_state(service.clone())),
        fixed("/metrics", get(metrics::metrics).with_state(service.clone())),
    ];
    #[cfg(feature = "command")]
    routes.extend(command_routes(service));
    #[cfg(feature = "query")]
    routes.extend(query_routes(service));
    routes
}

#[cfg(feature = "command")]
fn command_routes(service: &Service) -> [Route; 4] {
    use axum::routing::post;
    use cqrs_axum::Commands;

    use super::{commands, history};

    let app = service.app().filter(|_| service.role().takes_commands());
    let orders = app.map(|app| {
        Commands::new(app.clone()).not_found(codes::ORDER_NOT_FOUND).exists(codes::ORDER_ALREADY_PLACED)
    });
    let route = |path, methods, handler| Route { path, methods, handler };
    let by = |handler: MethodRouter<Commands>| with(handler, orders.as_ref(), WRITING);
    [
        route("/orders", POST, by(post(commands::place))),
        route("/orders/{id}/confirm", POST, by(post(commands::confirm))),
        route("/orders/{id}/cancel", POST, by(post(commands::cancel))),
        route("/orders/{id}/history", GET, with(get(history::history), app, WRITING)),
    ]
}

#[cfg(feature = "query")]
fn query_routes(service: &Service) -> [Route; 4] {
    use cqrs_axum::Queries;

    use super::{live, queries};

    let reads = match (service.app(), service.views()) {
        _ if !service.role().answers_queries() => None,
        // A process that builds the views knows the log, too.
        (Some(app), _) => Some(Queries::from(app.clone())),
        (None, views) => views.cloned().map(Queries::from),
    };
    let watched = reads.clone().map(|queries| live::Live { queries, streams: service.live().clone() });
    let route = |path, handler| Route { path, methods: GET, handler };
    let by = |handler: MethodRouter<Queries>| with(handler, reads.as_ref(), READING);
    [
        route("/orders/{id}", by(get(queries::order))),
        route("/orders/{id}/live", with(get(live::live), watched.as_ref(), READING)),
        route("/customers/{id}", by(get(queries::customer))),
        route("/customers/{id}/orders", by(get(queries::orders))),
    ]
}

#[cfg(feature = "command")]
const WRITING: &[Role] = &[Role::All, Role::Command];
#[cfg(feature = "query")]
const READING: &[Role] = &[Role::All, Role::Query];

/// The handler where this process has what it needs, else an answer that says which roles have it.
#[cfg(any(feature = "command", feature = "query"))]
fn with<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
    state: Option<&S>,
    roles: &'static [Role],
) -> MethodRouter {
    match state {
        Some(state) => handler.with_state(state.clone()),
        None => elsewhere(roles),
    }
}

/// Answers for routes that processes of other roles have.
fn elsewhere(roles: &'static [Role]) -> MethodRouter {
    any(async move || {
        let names: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
        let detail = format!("a process of the role {} answers this", names.join(" or "));
        Problem::new(codes::NOT_IN_THIS_ROLE, detail)
    })
}

/// The whole service, as one router.
pub fn router(service: &Service) -> Router {
    let router = routes(service).into_iter().fold(Router::new(), |router, route| {
        let Route { path, handler, .. } = route;
        router.route(path, handler)
    });
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(CatchPanicLayer::custom(fallback::panicked))
}
