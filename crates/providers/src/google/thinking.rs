//! `thinkingConfig`: how much the model thinks, and whether that is shown.

use domain::catalog::{Bounds, Endpoint};
use protocol::chat::reasoning::{Effort, Reasoning};
use protocol::chat::request::ChatRequest;

use super::generation::takes;
use super::wire::ThinkingConfig;
use crate::dropped::Dropped;
use crate::error::EncodeError;

/// The clamp that bounds a budget.
const BUDGET: &str = "thinking_budget";

/// Stands in `unsupported` where thinking cannot be switched off.
const OFF: &str = "reasoning.none";

/// Whether the endpoint is told a level rather than a budget: the third generation of Gemini.
pub(super) fn takes_levels(endpoint: &Endpoint) -> bool {
    !efforts(endpoint).is_empty()
}

fn efforts(endpoint: &Endpoint) -> Vec<Effort> {
    let own = &endpoint.quirks.reasoning_efforts;
    let list = if own.is_empty() { &endpoint.provider.quirks.reasoning_efforts } else { own };
    list.iter().filter_map(|name| Effort::parse(name)).collect()
}

pub(super) fn write(
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<Option<ThinkingConfig>, EncodeError> {
    let asked = Reasoning::of(request);
    let named =
        if request.parameter("reasoning").is_some() { "reasoning" } else { "reasoning_effort" };
    if !takes(endpoint, "reasoning") {
        // An endpoint that does not think does as it is told when it is told not to.
        if asked.as_ref().is_some_and(Reasoning::is_on) {
            dropped.add(named)?;
        }
        return Ok(None);
    }
    let asked = asked.unwrap_or_default();
    if asked.is_off() {
        return off(endpoint).map(Some);
    }
    let output_max = request.max_tokens.unwrap_or_else(|| endpoint.output_tokens_max());
    let known = efforts(endpoint);
    let mut config = ThinkingConfig {
        include_thoughts: Some(!request.excludes_reasoning()),
        thinking_budget: None,
        thinking_level: None,
    };
    if known.is_empty() {
        config.thinking_budget = asked.budget(output_max).map(|budget| bounded(endpoint, budget));
    } else {
        let effort = asked.effort(output_max).and_then(|effort| effort.nearest(&known));
        config.thinking_level = effort.map(level);
    }
    Ok(Some(config))
}

fn off(endpoint: &Endpoint) -> Result<ThinkingConfig, EncodeError> {
    if !takes(endpoint, OFF) {
        return Err(EncodeError::Unsupported { parameter: "reasoning.effort: none".to_owned() });
    }
    let lowest = efforts(endpoint).into_iter().min();
    Ok(ThinkingConfig {
        include_thoughts: None,
        thinking_budget: lowest.is_none().then_some(0),
        thinking_level: lowest.map(level),
    })
}

const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::ExtraHigh | Effort::Max => "HIGH",
    }
}

/// A budget within what the model takes.
fn bounded(endpoint: &Endpoint, budget: u32) -> u32 {
    let bounds = [&endpoint.quirks, &endpoint.provider.quirks]
        .into_iter()
        .find_map(|quirks| quirks.clamp.get(BUDGET));
    let Some(Bounds { min, max }) = bounds else { return budget };
    let budget = max.parse().map_or(budget, |max| budget.min(max));
    min.parse().map_or(budget, |min| budget.max(min))
}
