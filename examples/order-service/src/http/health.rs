use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cqrs_axum::{Problem, ProblemBody, duration, respond};
use cqrs_core::{
    app::{App, StoreHealth},
    query::Views,
    runtime::{CheckpointHealth, CheckpointState, ProjectionHealth, ProjectionState, RebuildProgress},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::NOT_READY;
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

/// How a projection is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectionBody {
    /// Its name.
    #[schema(example = "order_summary")]
    name: String,
    /// Its version.
    version: u32,
    /// `starting`, `standby`, `catching_up`, `live`, `paused`, `retrying`, `halted` or `stopped` where this process builds it; else
    /// `unknown`, `not_built`, `running`, `silent`, `diverged` or `unreachable`, as the read store shows it.
    #[schema(example = "live")]
    state: &'static str,
    /// All events up to here are in it.
    applied: u64,
    /// The head of the log, as far as it is known here.
    head: u64,
    /// How many positions of the log it is behind.
    lag_events: u64,
    /// How far it is behind in time.
    #[schema(example = "12ms")]
    lag: String,
    /// The lag that it promises to stay under.
    #[schema(example = "2000ms")]
    max_lag: Option<String>,
    /// It is further behind than that.
    breached: bool,
    /// How many events it has put aside.
    parked: u64,
    /// The process that runs it, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "process 4711 on app-2")]
    owner: Option<String>,
    /// How far a build is that is to take the place of the one that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuild: Option<RebuildBody>,
    /// Its documents were built by another definition, or other handlers, than this program's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outdated: bool,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// How a build is getting on.
#[derive(Debug, Serialize, ToSchema)]
struct RebuildBody {
    /// All events up to here are in it.
    applied: u64,
    /// The head of the log.
    head: u64,
    /// Positions of the log a second.
    events_per_second: f64,
    /// How long it still takes, if it goes on like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1500ms")]
    remaining: Option<String>,
    /// Why it has stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted: Option<String>,
}

impl From<RebuildProgress> for RebuildBody {
    fn from(progress: RebuildProgress) -> Self {
        let RebuildProgress { applied, head, events_per_second, remaining, halted, .. } = progress;
        let remaining = remaining.map(duration::format);
        Self { applied: applied.get(), head: head.get(), events_per_second, remaining, halted }
    }
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
        let (mut write_store, mut projections) = (None, Vec::new());
        if let Some(app) = service.app() {
            let (store, built) = built_here(app).await;
            (write_store, projections) = (Some(store), built);
        }
        let read_store = match service.views() {
            None => None,
            Some(views) => {
                let answered = tokio::time::timeout(PATIENCE, ping(views)).await;
                Some(match answered {
                    Ok(Ok(())) => StoreBody::up(None),
                    Ok(Err(reason)) => StoreBody::down(reason),
                    Err(_) => StoreBody::silent(),
                })
            }
        };
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
    let (store, projections) = match tokio::time::timeout(PATIENCE, app.health()).await {
        Ok(health) => {
            let store = match health.write_store {
                StoreHealth::Up { head } => StoreBody::up(Some(head.get())),
                StoreHealth::Down { reason } => StoreBody::down(reason),
                _ => StoreBody::down("it is in a state that this program does not know".to_owned()),
            };
            (store, health.projections)
        }
        Err(_) => (StoreBody::silent(), app.projections()),
    };
    (store, projections.into_iter().map(ProjectionBody::running).collect())
}

impl ProjectionBody {
    fn running(health: ProjectionHealth) -> Self {
        let reason = (!health.is_well()).then(|| why(&health));
        let ProjectionHealth {
            projection,
            state,
            applied,
            head,
            lag,
            max_lag,
            parked,
            outdated,
            rebuild,
            ..
        } = health;
        let owner = match &state {
            ProjectionState::Standby { owner } => Some(owner.to_string()),
            _ => None,
        };
        Self {
            name: projection.name,
            version: projection.version,
            state: match state {
                ProjectionState::Starting => "starting",
                ProjectionState::Standby { .. } => "standby",
                ProjectionState::CatchingUp => "catching_up",
                ProjectionState::Live => "live",
                ProjectionState::Paused { .. } => "paused",
                ProjectionState::Retrying { .. } => "retrying",
                ProjectionState::Halted { .. } => "halted",
                ProjectionState::Stopped => "stopped",
                _ => "unknown",
            },
            applied: applied.get(),
            head: head.get(),
            lag_events: lag.events,
            lag: duration::format(lag.time),
            max_lag: max_lag.map(duration::format),
            breached: max_lag.is_some_and(|max| lag.time > max),
            parked,
            owner,
            rebuild: rebuild.map(RebuildBody::from),
            outdated,
            reason,
        }
    }
}

fn why(health: &ProjectionHealth) -> String {
    match &health.state {
        ProjectionState::Starting => "it has not reached its read store yet".to_owned(),
        ProjectionState::Paused { by } => format!("{by} has paused it"),
        ProjectionState::Retrying { error, attempts } => format!("{error} ({attempts} attempts)"),
        ProjectionState::Halted { reason } => reason.clone(),
        ProjectionState::Stopped => "it is stopped".to_owned(),
        _ if health.parked > 0 => parked(health.parked),
        _ => behind(health.lag.time, health.max_lag),
    }
}

fn parked(count: u64) -> String {
    format!("{count} events are put aside, as they can't be read or applied")
}

fn behind(lag: Duration, max_lag: Option<Duration>) -> String {
    let promised = max_lag.unwrap_or_default();
    format!("it is {} behind, but promises {}", duration::format(lag), duration::format(promised))
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

impl ProjectionBody {
    /// A projection that another process builds, as the read store shows it.
    fn watched(health: CheckpointHealth) -> Self {
        let reason = (!health.is_well()).then(|| why_watched(&health));
        let CheckpointHealth { projection, state, applied, head, lag, max_lag, breached, parked, .. } =
            health;
        Self {
            name: projection.name,
            version: projection.version,
            state: match state {
                CheckpointState::NotBuilt => "not_built",
                CheckpointState::Moving => "running",
                CheckpointState::Silent { .. } => "silent",
                CheckpointState::Diverged => "diverged",
                CheckpointState::Unreachable { .. } => "unreachable",
                _ => "unknown",
            },
            applied: applied.get(),
            head: head.get(),
            lag_events: lag.events,
            lag: duration::format(lag.time),
            max_lag: max_lag.map(duration::format),
            breached,
            parked,
            owner: None,
            rebuild: None,
            outdated: false,
            reason,
        }
    }
}

fn why_watched(health: &CheckpointHealth) -> String {
    match &health.state {
        CheckpointState::NotBuilt => "no projector has built it yet".to_owned(),
        CheckpointState::Diverged => {
            "the log was put back to an earlier state, or has gone on from one".to_owned()
        }
        CheckpointState::Unreachable { error } => error.clone(),
        CheckpointState::Moving | CheckpointState::Silent { .. } if health.breached => {
            behind(health.lag.time, health.max_lag)
        }
        CheckpointState::Moving => parked(health.parked),
        CheckpointState::Silent { since } => {
            format!("no projector has shown a sign of life for {}", duration::format(*since))
        }
        _ => "it was not looked at yet".to_owned(),
    }
}
