use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cqrs_axum::{Problem, ProblemBody, respond};
use cqrs_core::{
    app::{App, StoreHealth},
    query::Views,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{codes::NOT_READY, projection_health::ProjectionBody};
use crate::Service;

/// How long a store may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LiveBody {
    /// Always true: otherwise there would be no answer.
    live: bool,
}

/// How the process and all that it depends on is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyBody {
    /// All is well.
    ready: bool,
    /// What this process does: `all`, `command`, `projector` or `query`.
    #[schema(example = "all")]
    role: String,
    /// The write store, where this role needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_store: Option<StoreBody>,
    /// The read store, where this role needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_store: Option<StoreBody>,
    /// Each view that this process builds or answers from.
    projections: Vec<ProjectionBody>,
}

/// How a store is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoreBody {
    /// `up` or `down`.
    #[schema(example = "up")]
    state: &'static str,
    /// The head of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Say that the process runs
#[utoipa::path(get, path = "/health/live", tag = "operations", responses((status = 200, description = "it runs", body = LiveBody)))]
pub(super) async fn live() -> Json<LiveBody> {
    Json(LiveBody { live: true })
}

/// Say whether all is well
#[utoipa::path(
    get, path = "/health/ready", tag = "operations",
    responses(
        (status = 200, description = "all is well", body = ReadyBody),
    ),
)]
pub(super) async fn ready(State(service): State<Service>) -> Response {
    #[derive(Serialize)]
    struct NotReady<'a> {
        #[serde(flatten)]
        problem: ProblemBody,
        #[serde(flatten)]
        body: &'a ReadyBody,
    }
    let body = ReadyBody::of(&service).await;
    if body.ready {
        return Json(body).into_response();
    }
    let problem = Problem::new(NOT_READY, body.reasons().join("; "));
    match serde_json::to_string(&NotReady { problem: problem.body(), body: &body }) {
        Ok(text) => respond(StatusCode::SERVICE_UNAVAILABLE, text),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

impl ReadyBody {
    async fn of(service: &Service) -> Self {
        let app = async {
            match service.app() {
                Some(app) => Some(built_here(app).await),
                None => None,
            }
        };
        let views = async {
            let views = service.views()?;
            Some(match tokio::time::timeout(PATIENCE, ping(views)).await {
                Ok(Ok(())) => StoreBody::up(None),
                Ok(Err(reason)) => StoreBody::down(reason),
                Err(_) => StoreBody::silent(),
            })
        };
        let (built, read_store) = tokio::join!(app, views);
        let (write_store, mut projections) =
            built.map_or_else(Default::default, |(store, built)| (Some(store), built));
        if let Some(monitor) = service.monitor() {
            projections = monitor.health().into_iter().map(ProjectionBody::watched).collect();
        }
        let mut body =
            Self { ready: false, role: service.role().to_string(), write_store, read_store, projections };
        body.ready = body.reasons().is_empty();
        body
    }

    fn reasons(&self) -> Vec<String> {
        let stores = [("the write store", &self.write_store), ("the read store", &self.read_store)];
        let stores = stores.into_iter().filter_map(|(name, store)| {
            let reason = store.as_ref()?.reason.as_ref()?;
            Some(format!("{name} is down: {reason}"))
        });
        let projections = self.projections.iter().filter_map(|projection| {
            let ProjectionBody { name, reason, .. } = projection;
            Some(format!("the projection {name} is not well: {}", reason.as_ref()?))
        });
        stores.chain(projections).collect()
    }
}

impl StoreBody {
    const fn up(head: Option<u64>) -> Self {
        Self { state: "up", head, reason: None }
    }

    const fn down(reason: String) -> Self {
        Self { state: "down", head: None, reason: Some(reason) }
    }

    fn silent() -> Self {
        Self::down(format!("it did not answer within {} s", PATIENCE.as_secs()))
    }
}

/// The write store, and the projections that run in this process.
async fn built_here(app: &App) -> (StoreBody, Vec<ProjectionBody>) {
    let health = app.health().await;
    let store = match health.write_store {
        StoreHealth::Up { head } => StoreBody::up(Some(head.get())),
        StoreHealth::Down { reason } => StoreBody::down(reason),
        _ => StoreBody::down("it is in a state that this program does not know".to_owned()),
    };
    (store, health.projections.into_iter().map(ProjectionBody::running).collect())
}

/// Asks the read store for something small.
#[cfg(feature = "read-store")]
async fn ping(views: &Views) -> Result<(), String> {
    let asked = views.checkpoint::<order_views::OrderSummary>().await;
    asked.map(drop).map_err(|error| cqrs_core::runtime::with_causes(&error))
}

#[cfg(not(feature = "read-store"))]
async fn ping(_: &Views) -> Result<(), String> {
    Ok(())
}
