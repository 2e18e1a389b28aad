//! How an answer came about, for callers who ask: `openrouter_metadata`.

use std::sync::Arc;

use domain::generation::Attempt;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::admit::Call;
use crate::routing::{Candidate, RoutePlan};

/// What is remembered of a plan whose candidates are used up.
#[derive(Debug, Clone, Default)]
pub(crate) struct RouteNote {
    /// Every endpoint that might have served, in the order in which they would be tried.
    candidates: Vec<Choice>,
    /// Endpoints that the request ruled out.
    excluded: usize,
}

#[derive(Debug, Clone)]
struct Choice {
    endpoint_id: String,
    provider: String,
    model: String,
}

impl RouteNote {
    pub(crate) fn of(plan: &RoutePlan) -> Self {
        let choice = |candidate: &Candidate| Choice {
            endpoint_id: candidate.endpoint.id.clone(),
            provider: candidate.endpoint.provider.name.clone(),
            model: candidate.endpoint.model.to_string(),
        };
        Self {
            candidates: plan.candidates.iter().map(choice).collect(),
            excluded: plan.excluded.len(),
        }
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    requested: &'a str,
    strategy: &'static str,
    region: Option<&'a str>,
    summary: String,
    /// Which attempt answered; 0 when none was sent.
    attempt: usize,
    is_byok: bool,
    endpoints: Endpoints<'a>,
    attempts: Vec<Tried<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pipeline: Vec<Step<'a>>,
    /// Milliseconds.
    generation_time: u32,
}

#[derive(Serialize)]
struct Endpoints<'a> {
    total: usize,
    available: Vec<Available<'a>>,
}

#[derive(Serialize)]
struct Available<'a> {
    provider: &'a str,
    model: &'a str,
    selected: bool,
}

#[derive(Serialize)]
struct Tried<'a> {
    provider: &'a str,
    model: &'a str,
    status: u16,
}

#[derive(Serialize)]
struct Step<'a> {
    r#type: &'static str,
    name: &'static str,
    summary: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Router { router: &'static str, task_type: &'static str },
    Parameters { dropped: &'a [String] },
}

/// The metadata of a call that `selected` answered; none unless the caller asked for it.
pub(crate) fn of(call: &Call, selected: &Candidate) -> Option<Arc<RawValue>> {
    let note = call.note.as_ref()?;
    let endpoint = &selected.endpoint;
    let available = note
        .candidates
        .iter()
        .map(|choice| Available {
            provider: &choice.provider,
            model: &choice.model,
            selected: choice.endpoint_id == endpoint.id,
        })
        .collect::<Vec<_>>();
    let total = available.len() + note.excluded;
    let metadata = Metadata {
        requested: &call.resolved.requested,
        strategy: strategy(call, selected),
        region: endpoint.regions.first().map(String::as_str),
        summary: format!(
            "available={}, selected={}, attempts={}",
            available.len(),
            endpoint.provider.name,
            call.attempts.len()
        ),
        attempt: call.attempts.len(),
        is_byok: false,
        endpoints: Endpoints { total, available },
        attempts: call.attempts.iter().map(tried).collect(),
        pipeline: steps(call, &endpoint.provider.name),
        generation_time: call.elapsed_ms(),
    };
    serde_json::value::to_raw_value(&metadata).ok().map(Arc::from)
}

fn strategy(call: &Call, selected: &Candidate) -> &'static str {
    let is_first = call.resolved.primary.slug == selected.endpoint.model;
    // What a router lists are its own choices.
    if is_first || call.resolved.chosen.is_some() { call.resolved.strategy } else { "fallback" }
}

/// Attempts without an HTTP status count as 0: nothing came.
fn tried(attempt: &Attempt) -> Tried<'_> {
    let model = attempt.endpoint_id.split('@').next().unwrap_or_default();
    Tried { provider: &attempt.provider_name, model, status: attempt.status.unwrap_or(0) }
}

fn steps<'a>(call: &'a Call, provider: &str) -> Vec<Step<'a>> {
    let router = call.resolved.chosen.as_ref().map(|chosen| Step {
        r#type: "router",
        name: chosen.router,
        summary: chosen.why.clone(),
        data: Data::Router { router: chosen.router, task_type: chosen.task },
    });
    let dropped = (!call.dropped.is_empty()).then(|| Step {
        r#type: "parameters",
        name: "dropped",
        summary: format!(
            "{provider} was not sent `{}`, which it does not take",
            call.dropped.join("`, `")
        ),
        data: Data::Parameters { dropped: &call.dropped },
    });
    router.into_iter().chain(dropped).collect()
}
