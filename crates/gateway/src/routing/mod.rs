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
use domain::routing::{Partition, ProviderPreferences, Sort};
use domain::time::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use protocol::chat::request::ChatRequest;

use crate::admit::estimate::Estimate;
use crate::error::{GatewayError, NoEndpoint};
use crate::resolve::{Resolved, ResolvedModel};
use crate::routing::eligible::{Exclusion, Requirements};
use crate::routing::stats::{Band, EndpointStats, Standing, Stats};
use crate::routing::thresholds::Thresholds;

/// An endpoint that may serve the call.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub endpoint: Arc<Endpoint>,
    pub stats: Arc<EndpointStats>,
    /// What the call will likely cost there: what endpoints are compared by.
    pub price: Usd,
    /// What must be held before it is dialled.
    pub quote: Usd,
}

/// How far back an endpoint goes, whatever it costs; least is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Health {
    is_demoted: bool,
    band: Band,
    is_slow: bool,
}

impl Candidate {
    pub(crate) fn health(&self, preferences: &ProviderPreferences, now: Timestamp) -> Health {
        let standing = self.stats.standing(now);
        Health {
            is_demoted: standing == Standing::Demoted,
            // Whoever is to find out whether it is back must come upon it in its usual place.
            band: if standing == Standing::HalfOpen { Band::Normal } else { self.stats.band() },
            is_slow: !Thresholds::of(preferences).are_met(&self.stats),
        }
    }
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

/// What a plan follows from, besides what has been seen of endpoints.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub request: &'a ChatRequest,
    pub resolved: &'a Resolved,
    pub estimate: &'a Estimate,
    /// Chooses among equals.
    pub seed: u64,
}

/// Plans one call, or says which constraints leave nobody to serve it.
pub(crate) fn plan(ask: Ask<'_>, stats: &Stats, now: Timestamp) -> Result<RoutePlan, GatewayError> {
    let plan = survey(ask, stats, now);
    if plan.candidates.is_empty() {
        let total = ask.resolved.models.iter().map(|resolved| resolved.model.endpoints.len()).sum();
        return Err(none(ask, total, &plan.excluded));
    }
    Ok(plan)
}

/// Every endpoint of every model, in the order in which they would be tried or with the reason
/// why not. Models follow one another, unless the caller sorts across them.
pub fn survey(ask: Ask<'_>, stats: &Stats, now: Timestamp) -> RoutePlan {
    let preferences = &ask.request.provider;
    let is_fixed = preferences.order.as_ref().is_some_and(|order| !order.is_empty());
    let mut plan = RoutePlan { is_fixed, ..RoutePlan::default() };
    let groups = ask.resolved.models.iter().map(|resolved| {
        let candidates = eligible(ask, resolved, stats, &mut plan.excluded);
        (candidates, resolved.variants.as_slice())
    });
    let mut groups: Vec<_> = groups.collect();
    if pools_models(preferences) {
        let variants = groups.first().map_or(&[][..], |(_, variants)| variants);
        let all = groups.into_iter().flat_map(|(candidates, _)| candidates).collect();
        groups = vec![(all, variants)];
    }
    for (index, (mut candidates, variants)) in groups.into_iter().enumerate() {
        let mut context = RouteContext {
            order: preferences.order.as_deref().unwrap_or_default(),
            rng: ChaCha8Rng::seed_from_u64(ask.seed.wrapping_add(index as u64)),
        };
        let strategy = strategies::choose(preferences, variants);
        let health = |candidate: &Candidate| candidate.health(preferences, now);
        if is_fixed {
            strategy.rank(&mut candidates, &mut context);
        } else {
            // Those that work are ordered among themselves, then those that do not.
            candidates.sort_by_cached_key(health);
            let mut ranked = Vec::with_capacity(candidates.len());
            while let Some(first) = candidates.first().map(health) {
                let end = candidates.partition_point(|candidate| health(candidate) <= first);
                let mut equals: Vec<Candidate> = candidates.drain(..end.max(1)).collect();
                strategy.rank(&mut equals, &mut context);
                ranked.append(&mut equals);
            }
            candidates = ranked;
        }
        // This is about providers: further `models` are fallbacks that were asked for.
        if preferences.allow_fallbacks == Some(false) {
            let kept = context.order.len().max(1).min(candidates.len());
            let rest = candidates.split_off(kept);
            plan.excluded.extend(rest.into_iter().map(|candidate| {
                let reason = "`provider.allow_fallbacks` is false, and another goes first";
                (candidate.endpoint.id.clone(), eligible::exclude("allow_fallbacks", reason))
            }));
        }
        plan.candidates.append(&mut candidates);
    }
    plan
}

/// `sort: {"by": …, "partition": "none"}`: the best endpoint of any model goes first.
fn pools_models(preferences: &ProviderPreferences) -> bool {
    matches!(preferences.sort, Some(Sort::Object { partition: Some(Partition::None), .. }))
}

fn eligible(
    ask: Ask<'_>,
    resolved: &ResolvedModel,
    stats: &Stats,
    excluded: &mut Vec<(String, Exclusion)>,
) -> Vec<Candidate> {
    let requirements = Requirements::of(ask, resolved);
    let mut candidates = Vec::with_capacity(resolved.model.endpoints.len());
    for endpoint in &resolved.model.endpoints {
        match requirements.check(endpoint) {
            Ok(()) => candidates.push(Candidate {
                endpoint: endpoint.clone(),
                stats: stats.of(endpoint),
                price: ask.estimate.price(endpoint),
                quote: ask.estimate.quote(endpoint),
            }),
            Err(exclusion) => excluded.push((endpoint.id.clone(), exclusion)),
        }
    }
    requirements.prefer_supporting(&mut candidates, excluded);
    candidates
}

fn none(ask: Ask<'_>, total: usize, excluded: &[(String, Exclusion)]) -> GatewayError {
    let offered =
        || excluded.iter().filter(|(_, exclusion)| exclusion.field != eligible::HIDDEN).peekable();
    if offered().peek().is_some() && offered().all(|(_, why)| why.field == eligible::MODALITY) {
        return eligible::not_taken(ask);
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
        requested_models: ask
            .resolved
            .models
            .iter()
            .map(|resolved| resolved.model.slug.to_string())
            .collect(),
        total,
        removed,
    }))
}
