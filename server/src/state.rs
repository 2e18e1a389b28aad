//! What handlers are given. Cheap to clone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::extract::FromRef;
use control::Control;
use domain::catalog::Catalog;
use domain::id::NodeId;
use domain::random::Random;
use domain::time::Clock;
use gateway::Gateway;
use metrics_exporter_prometheus::PrometheusHandle;
use store::Db;

use crate::config::Config;
use crate::http::management::models::ModelList;
use crate::ports::KeyTouches;
use crate::responses::Responses;
use crate::tasks::Tasks;

/// The parts of a running server.
#[derive(Clone)]
pub struct AppState {
    pub gateway: Gateway,
    pub control: Control,
    pub db: Db,
    pub catalog: Arc<ArcSwap<Catalog>>,
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub tasks: Tasks,
    pub node: NodeId,
    /// When keys were last used, until a job writes it down.
    pub touches: Arc<KeyTouches>,
    pub model_list: Arc<ModelList>,
    /// Responses that are kept.
    pub responses: Arc<Responses>,
    /// Where callers reach this server, without a trailing slash.
    pub public_url: Arc<str>,
    /// Whether people may give themselves sandbox credit.
    pub sandbox_top_up: bool,
    pub readiness: Arc<Readiness>,
    pub metrics: PrometheusHandle,
}

/// Whether load balancers should send more work here.
#[derive(Debug, Default)]
pub struct Readiness(AtomicBool);

impl Readiness {
    pub fn begin_draining(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl FromRef<AppState> for Gateway {
    fn from_ref(state: &AppState) -> Self {
        state.gateway.clone()
    }
}

impl FromRef<AppState> for Control {
    fn from_ref(state: &AppState) -> Self {
        state.control.clone()
    }
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for Arc<Config> {
    fn from_ref(state: &AppState) -> Self {
        state.config.clone()
    }
}
