//! *Route*: from a call to the ordered list of endpoints that may serve it.
//!
//! Pure but for reading statistics: hard filters that each give a reason ([`mod@eligible`]), then one
//! strategy that orders what is left ([`strategies`]), then endpoints that failed in the last
//! seconds go to the back, behind them those that have been unreliable for half an hour, and those
//! that are slower than the caller prefers.

pub mod eligible;
pub mod stats;
pub mod strategies;
mod thresholds;

use std::sync::Arc;

use domain::catalog::Endpoint;
use domain::money::Usd;
use domain::time::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::admit::Call;
use crate::error::{GatewayError, NoEndpoint};
use crate::resolve::ResolvedModel;
use crate::routing::eligible::{Exclusion, Requirements};
use crate::routing::stats::{EndpointStats, Stats};
use crate::routing::thresholds::Thresholds;

/// An endpoint that may serve the call.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub endpoint: Arc<Endpoint>,
    pub stats: Arc<EndpointStats>,
    /// What must be held before it is dialled.
    pub quote: Usd,
}

/// The candidates in the order in which they are tried, and why others are not.
#[derive(Debug, Clone, Default)]
pub struct RoutePlan {
    pub candidates: Vec<Candidate>,
    pub excluded: Vec<(String, Exclusion)>,
    /// The caller stated an order, which health does not change.
    pub is_fixed: bool,
}

/// What a strategy may look at besides the candidates.
pub struct RouteContext<'a> {
    pub order: &'a [String],
    pub rng: ChaCha8Rng,
}

/// Plans one call: each model's endpoints in order, the models one after the other.
pub(crate) fn plan(call: &Call, stats: &Stats, now: Timestamp) -> Result<RoutePlan, GatewayError> {
    let is_fixed = call.request.provider.order.as_ref().is_some_and(|order| !order.is_empty());
    let mut plan = RoutePlan { is_fixed, ..RoutePlan::default() };
    let mut total = 0;
    for (index, resolved) in call.resolved.models.iter().enumerate() {
        total += resolved.model.endpoints.len();
        let mut candidates = eligible(call, resolved, stats, &mut plan.excluded);
        let mut context = RouteContext {
            order: call.request.provider.order.as_deref().unwrap_or_default(),
            rng: ChaCha8Rng::seed_from_u64(call.seed.wrapping_add(index as u64)),
        };
        strategies::choose(&call.request.provider, &resolved.variants)
            .rank(&mut candidates, &mut context);
        if context.order.is_empty() {
            // Stable: those that work keep their order, those that do not follow.
            let thresholds = Thresholds::of(&call.request.provider);
            candidates.sort_by_cached_key(|Candidate { stats, .. }| {
                (stats.is_demoted(now), stats.band(), !thresholds.are_met(stats))
            });
        }
        // This is about providers: further `models` are fallbacks that were asked for.
        if call.request.provider.allow_fallbacks == Some(false) {
            candidates.truncate(context.order.len().max(1));
        }
        plan.candidates.append(&mut candidates);
    }
    if plan.candidates.is_empty() {
        return Err(none(call, total, &plan.excluded));
    }
    Ok(plan)
}

fn eligible(
    call: &Call,
    resolved: &ResolvedModel,
    stats: &Stats,
    excluded: &mut Vec<(String, Exclusion)>,
) -> Vec<Candidate> {
    let requirements = Requirements::of(call, resolved);
    let mut candidates = Vec::with_capacity(resolved.model.endpoints.len());
    for endpoint in &resolved.model.endpoints {
        match requirements.check(endpoint) {
            Ok(()) => candidates.push(Candidate {
                endpoint: endpoint.clone(),
                stats: stats.of(endpoint),
                quote: call.estimate.quote(endpoint),
            }),
            Err(exclusion) => excluded.push((endpoint.id.clone(), exclusion)),
        }
    }
    requirements.prefer_supporting(&mut candidates);
    candidates
}

fn none(call: &Call, total: usize, excluded: &[(String, Exclusion)]) -> GatewayError {
    let offered =
        || excluded.iter().filter(|(_, exclusion)| exclusion.field != eligible::HIDDEN).peekable();
    if offered().peek().is_some() && offered().all(|(_, why)| why.field == eligible::MODALITY) {
        return eligible::not_taken(call);
    }
    let mut removed: Vec<(&'static str, String, usize)> = Vec::new();
    for (_, exclusion) in excluded {
        // An endpoint that isn't shown to anyone is no constraint that could be loosened.
        if exclusion.field == eligible::HIDDEN {
            continue;
        }
        match removed.iter_mut().find(|(field, _, _)| *field == exclusion.field) {
            Some((_, _, count)) => *count += 1,
            None => removed.push((exclusion.field, exclusion.reason.clone(), 1)),
        }
    }
    GatewayError::NoEndpoint(Box::new(NoEndpoint {
        requested_models: call
            .resolved
            .models
            .iter()
            .map(|resolved| resolved.model.slug.to_string())
            .collect(),
        total,
        removed,
    }))
}
