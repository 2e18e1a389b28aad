//! The route that a request would take, without taking it.

use std::sync::Arc;

use domain::money::Usd;
use domain::routing::ProviderPreferences;
use protocol::chat::request::ChatRequest;
use serde::Serialize;

use crate::admit::estimate::Estimate;
use crate::error::GatewayError;
use crate::pipeline::Gateway;
use crate::ports::Caller;
use crate::routing::stats::{Band, Span, Standing};
use crate::routing::{self, Ask, Candidate, strategies};

/// A plan for people to read. Every endpoint of every model that was asked for is in it once.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// What was asked for first, as it was written.
    pub requested: String,
    /// The models that may answer, in order.
    pub models: Vec<String>,
    /// What a router made of the request, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterChoice>,
    /// How endpoints are ordered: `balanced`, `price`, `latency`, `throughput` or `ordered`.
    pub strategy: &'static str,
    /// What the prompt is taken for.
    pub prompt_tokens: u64,
    /// In the order in which they would be tried; those that would not follow.
    pub endpoints: Vec<ExplainedEndpoint>,
}

#[derive(Debug, Serialize)]
pub struct RouterChoice {
    pub name: &'static str,
    pub task_type: &'static str,
    pub why: String,
}

#[derive(Debug, Serialize)]
pub struct ExplainedEndpoint {
    /// From 1; none for an endpoint that would not be tried.
    pub rank: Option<usize>,
    pub model: String,
    pub provider: String,
    pub tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Excluded>,
}

/// What the place of an endpoint follows from.
#[derive(Debug, Serialize)]
pub struct Score {
    /// What this request would likely cost there, dollars.
    pub price: Usd,
    /// The share of such requests that would be sent there first, 0 to 1; only where chance
    /// decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// `healthy`, `half_open` (one request may find out) or `demoted` (failed lately).
    pub standing: &'static str,
    /// Of half an hour: `normal`, `degraded` (under 95 %) or `fallback` (under 80 %).
    pub reliability: &'static str,
    /// Percent of the last half hour's requests, if there were any.
    pub uptime_last_30m: Option<u32>,
    /// Seconds, median of five minutes.
    pub latency_p50: Option<f64>,
    /// Tokens a second, median of five minutes.
    pub throughput_p50: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Excluded {
    /// In the vocabulary of `error.availability.excluded_by`.
    pub constraint: &'static str,
    pub reason: String,
}

impl Gateway {
    /// Plans a request as [`Gateway::serve`] would at this moment. Nothing is held, nobody called.
    /// Where the default order draws lots, another request may draw another first endpoint.
    pub fn explain(
        &self,
        _caller: &Arc<Caller>,
        request: &ChatRequest,
    ) -> Result<Explanation, GatewayError> {
        let resolved = self.resolve(request)?;
        let estimate = Estimate::of(request, self.settings.open_output_tokens);
        let seed = self.random.next_u64();
        let ask = Ask { request, resolved: &resolved, estimate: &estimate, seed };
        let plan = routing::survey(ask, &self.stats, self.clock.now());
        let variants = resolved.models.first().map_or(&[][..], |model| &model.variants);
        let strategy = strategies::choose(&request.provider, variants).id();
        let mut endpoints: Vec<ExplainedEndpoint> = plan
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| ExplainedEndpoint {
                rank: Some(index + 1),
                model: candidate.endpoint.model.to_string(),
                provider: candidate.endpoint.provider.name.clone(),
                tag: candidate.endpoint.tag.clone(),
                score: Some(self.score(candidate, &request.provider, strategy, &plan.candidates)),
                excluded: None,
            })
            .collect();
        let all = resolved.models.iter().flat_map(|resolved| &resolved.model.endpoints);
        for endpoint in all {
            let found = plan.excluded.iter().find(|(id, _)| *id == endpoint.id);
            let Some((_, exclusion)) = found else { continue };
            if exclusion.field == routing::eligible::HIDDEN {
                continue;
            }
            endpoints.push(ExplainedEndpoint {
                rank: None,
                model: endpoint.model.to_string(),
                provider: endpoint.provider.name.clone(),
                tag: endpoint.tag.clone(),
                score: None,
                excluded: Some(Excluded {
                    constraint: exclusion.field,
                    reason: exclusion.reason.clone(),
                }),
            });
        }
        Ok(Explanation {
            requested: resolved.requested.clone(),
            models: resolved.models.iter().map(|model| model.model.slug.to_string()).collect(),
            router: resolved.chosen.map(|chosen| RouterChoice {
                name: chosen.router,
                task_type: chosen.task,
                why: chosen.why,
            }),
            strategy,
            prompt_tokens: estimate.prompt_tokens(),
            endpoints,
        })
    }

    fn score(
        &self,
        candidate: &Candidate,
        preferences: &ProviderPreferences,
        strategy: &str,
        all: &[Candidate],
    ) -> Score {
        let now = self.clock.now();
        let stats = &candidate.stats;
        let thousandth = |figure: u32| f64::from(figure) / 1_000.0;
        let model = &candidate.endpoint.model;
        let same = all.iter().filter(|other| other.endpoint.model == *model);
        let best = same.clone().map(|other| other.health(preferences, now)).min();
        let equals = same.filter(|other| Some(other.health(preferences, now)) == best);
        let drawn = strategy == "balanced" && Some(candidate.health(preferences, now)) == best;
        Score {
            price: candidate.price,
            share: drawn.then(|| strategies::share(candidate, equals)),
            standing: match stats.standing(now) {
                Standing::Healthy => "healthy",
                Standing::HalfOpen => "half_open",
                Standing::Demoted => "demoted",
            },
            reliability: match stats.band() {
                Band::Normal => "normal",
                Band::Degraded => "degraded",
                Band::Fallback => "fallback",
            },
            uptime_last_30m: stats.counts(now, Span::HalfHour).uptime_percent(1),
            latency_p50: stats.ttft_percentiles().map(|seen| thousandth(seen.p50)),
            throughput_p50: stats.throughput_percentiles().map(|seen| thousandth(seen.p50)),
        }
    }
}
