use std::any::Any;

use axum::{
    Router,
    http::{Method, Uri},
    response::IntoResponse as _,
    routing::{MethodRouter, any, get},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{Code, Problem, health, metrics, openapi, page};
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
    #[allow(unused_mut, reason = "a build may have neither commands nor queries")]
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

    use super::{commands, history};

    const ROLES: &[Role] = &[Role::All, Role::Command];
    let app = service.app().filter(|_| service.role().takes_commands());
    let route = |path, methods, handler: MethodRouter<cqrs_core::app::App>| {
        let handler = match app {
            Some(app) => handler.with_state(app.clone()),
            None => elsewhere(ROLES),
        };
        Route { path, methods, handler }
    };
    [
        route("/orders", POST, post(commands::place)),
        route("/orders/{id}/confirm", POST, post(commands::confirm)),
        route("/orders/{id}/cancel", POST, post(commands::cancel)),
        route("/orders/{id}/history", GET, get(history::history)),
    ]
}

#[cfg(feature = "query")]
fn query_routes(service: &Service) -> [Route; 3] {
    use super::queries::{self, Reads};

    const ROLES: &[Role] = &[Role::All, Role::Query];
    let reads = match (service.app(), service.views()) {
        _ if !service.role().answers_queries() => None,
        (Some(app), _) => Some(Reads::App(app.clone())),
        (None, Some(views)) => Some(Reads::Views(views.clone())),
        (None, None) => None,
    };
    let route = |path, handler: MethodRouter<Reads>| {
        let handler = match &reads {
            Some(reads) => handler.with_state(reads.clone()),
            None => elsewhere(ROLES),
        };
        Route { path, methods: GET, handler }
    };
    [
        route("/orders/{id}", get(queries::order)),
        route("/customers/{id}", get(queries::customer)),
        route("/customers/{id}/orders", get(queries::orders)),
    ]
}

/// Answers for routes that processes of other roles have.
fn elsewhere(roles: &'static [Role]) -> MethodRouter {
    any(async move || {
        let names: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
        let detail = format!("a process of the role {} answers this", names.join(" or "));
        Problem::new(Code::NotInThisRole, detail)
    })
}

/// The whole service, as one router.
pub fn router(service: &Service) -> Router {
    let router = routes(service).into_iter().fold(Router::new(), |router, route| {
        let Route { path, handler, .. } = route;
        router.route(path, handler)
    });
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
}

async fn nothing_here(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(Code::NotFound, format!("there is nothing at {path:?}; `/openapi.json` lists what there is"))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let (method, path): (String, String) =
        (method.as_str().chars().take(20).collect(), uri.path().chars().take(200).collect());
    Problem::new(Code::MethodNotAllowed, format!("{path:?} does not answer {method}"))
}

#[allow(clippy::needless_pass_by_value, reason = "the layer's own signature")]
fn panicked(panic: Box<dyn Any + Send>) -> axum::response::Response {
    let what = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(&std::io::Error::other(format!("a request panicked: {what}"))).into_response()
}
