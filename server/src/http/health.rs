//! Whether the process lives, and whether it should be sent work.

use axum::extract::State;
use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::extract::client_address::Peer;
use crate::config::telemetry::Readers;
use crate::state::AppState;

/// `GET /health/live`: answers as long as the process can answer anything.
pub(crate) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// `GET /health/ready`: answers 200 while this node can do its work.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let reason = if state.readiness.is_draining() {
        Some("the server is stopping")
    } else if let Err(error) = state.db.ping().await {
        tracing::warn!(error = %error, "The database does not answer");
        Some("the database does not answer")
    } else {
        None
    };
    match reason {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "unready", "reason": reason })),
        )
            .into_response(),
    }
}

/// `GET /metrics`: Prometheus text, for those whom the configuration names.
pub(crate) async fn metrics(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    let may_read = match state.config.telemetry.metrics {
        Readers::Anyone => true,
        // The peer itself, and speaking for itself: a proxy on this machine that passes a request
        // on is a loopback peer too.
        Readers::Loopback => {
            let speaks_for_another =
                headers.contains_key("x-forwarded-for") || headers.contains_key(FORWARDED);
            !speaks_for_another
                && peer.is_some_and(|Extension(Peer(peer))| peer.ip().to_canonical().is_loopback())
        }
        Readers::Nobody => false,
    };
    if !may_read {
        return StatusCode::NOT_FOUND.into_response();
    }
    let gauges = state.gateway.gauges();
    let figure = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    metrics::gauge!("entrepot_open_leases").set(figure(gauges.open_leases));
    metrics::gauge!("entrepot_active_generations").set(figure(gauges.active_generations));
    metrics::gauge!("entrepot_unsettled_generations").set(figure(gauges.unsettled));
    #[expect(clippy::cast_precision_loss, reason = "a figure for a graph, not for the books")]
    metrics::gauge!("entrepot_held_nanos").set(gauges.held.nanos() as f64);
    let text = state.metrics.render();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
