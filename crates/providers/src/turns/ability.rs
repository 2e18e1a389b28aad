//! What an endpoint can, by the catalog: its parameters and its quirks.

use domain::catalog::{Endpoint, Prefill, ReasoningForm};
use domain::pricing::Unit;
use protocol::chat::reasoning::Effort;

use crate::quirks::Effective;

/// Prefixes shorter than this are not kept in a cache by any model.
const CACHE_TOKENS_MIN: u32 = 1_024;
/// The bound on output where neither the caller nor the catalog states one.
const OUTPUT_TOKENS: u32 = 8_192;

#[derive(Clone, Copy)]
pub(crate) struct Ability<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) quirks: Effective<'a>,
}

impl<'a> Ability<'a> {
    pub(crate) fn of(endpoint: &'a Endpoint) -> Self {
        Self { endpoint, quirks: Effective::of(endpoint) }
    }

    pub(crate) fn takes(self, name: &str) -> bool {
        self.endpoint.supports(name) && !self.quirks.refuses(name)
    }

    /// Whether thinking has an effort and no budget.
    pub(crate) fn thinks_adaptively(self) -> bool {
        self.quirks.reasoning() == ReasoningForm::Adaptive
    }

    /// The effort that is nearest to the one asked for, of those that the catalog states or else
    /// of these.
    pub(crate) fn nearest_effort(self, asked: Effort, usual: &[Effort]) -> Effort {
        let stated = self.quirks.efforts();
        let known = if stated.is_empty() { usual } else { &stated };
        asked.nearest(known).unwrap_or(asked)
    }

    pub(crate) fn refuses_prefill(self) -> bool {
        self.quirks.prefill() == Some(Prefill::Refused)
    }

    /// How many tokens are worth a mark for caching that nobody asked for; none where marks are
    /// of no use.
    pub(crate) fn cache_tokens_min(self) -> Option<u32> {
        let prices = &self.endpoint.prices;
        let pays = prices.stated(Unit::CacheRead).is_some_and(|price| {
            price.nanos_per_million() < prices.price(Unit::Prompt).nanos_per_million()
        });
        let stated = self.quirks.cache_tokens_min();
        (pays && !self.quirks.refuses("cache_control")).then(|| stated.unwrap_or(CACHE_TOKENS_MIN))
    }

    /// The bound on output: what is asked for as far as the endpoint goes, or else its own.
    pub(crate) fn output_max(self, asked: Option<u32>) -> u32 {
        match (asked, self.endpoint.max_completion_tokens) {
            (Some(asked), Some(own)) => asked.min(own),
            (Some(asked), None) => asked,
            (None, Some(own)) => own,
            (None, None) => OUTPUT_TOKENS.min(self.endpoint.context_length),
        }
    }
}
