//! What Cohere counts and what it bills, to buckets that never overlap.

use domain::usage::Usage;
use serde::Deserialize;

/// No answer has more tokens than this: what claims to is a mistake.
const TOKENS_MAX: f64 = 1e9;

/// Numbers are written with or without a decimal point.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Units {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
    image_tokens: Option<f64>,
    #[serde(rename = "search_units")]
    searches: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    billed_units: Option<Units>,
    tokens: Option<Units>,
    cached_tokens: Option<f64>,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion that saturates is what is meant"
)]
fn whole(count: Option<f64>) -> u64 {
    count.unwrap_or(0.0).clamp(0.0, TOKENS_MAX) as u64
}

impl WireUsage {
    /// What is billed, which leaves out Cohere's own template; what was counted where it does not
    /// say. Nothing when it says neither.
    pub(super) fn disjoint(&self) -> Option<Usage> {
        let says = |units: &&Units| units.input_tokens.is_some() || units.image_tokens.is_some();
        let stated = [&self.billed_units, &self.tokens].into_iter().flatten();
        let units = stated.clone().find(says).or_else(|| {
            stated.clone().find(|units| units.output_tokens.is_some() || units.searches.is_some())
        })?;
        let mut prompt = whole(units.input_tokens).saturating_add(whole(units.image_tokens));
        let cache_read = whole(self.cached_tokens).min(prompt);
        prompt -= cache_read;
        let requests = units.searches.map_or(1, |units| whole(Some(units)));
        let completion = whole(units.output_tokens);
        Some(Usage { prompt, cache_read, completion, requests, ..Usage::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Option<Usage>) {
        let usage: WireUsage = serde_json::from_str(json).unwrap();
        assert_eq!(usage.disjoint(), expected, "{json}");
    }

    #[test]
    fn what_is_billed_counts() {
        check(
            r#"{"billed_units":{"input_tokens":17,"output_tokens":12.0},
                "tokens":{"input_tokens":215,"output_tokens":14},"cached_tokens":5}"#,
            Some(Usage {
                prompt: 12,
                cache_read: 5,
                completion: 12,
                requests: 1,
                ..Usage::default()
            }),
        );
        check(
            r#"{"tokens":{"input_tokens":215,"output_tokens":14}}"#,
            Some(Usage { prompt: 215, completion: 14, requests: 1, ..Usage::default() }),
        );
        check(
            r#"{"billed_units":{"search_units":2}}"#,
            Some(Usage { requests: 2, ..Usage::default() }),
        );
        check(
            r#"{"billed_units":{"input_tokens":-1,"output_tokens":1e300}}"#,
            Some(Usage { completion: 1_000_000_000, requests: 1, ..Usage::default() }),
        );
        check("{}", None);
    }
}
