//! Token counts as upstreams report them, to buckets that never overlap.

use std::fmt;

use domain::usage::Usage;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// No answer has more tokens than this: what claims to is a mistake.
const TOKENS_MAX: u64 = 1_000_000_000;

/// A count that may be absent, null, negative, fractional or nonsense.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count(Option<u64>);

impl Count {
    pub(super) const fn known(self) -> Option<u64> {
        self.0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The count, but not more than what is left of the total that it belongs to.
    fn take_from(self, rest: &mut u64) -> u64 {
        let taken = self.0.unwrap_or(0).min(*rest);
        *rest -= taken;
        taken
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }

            fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
                Ok(Count(Some(count.min(TOKENS_MAX))))
            }

            fn visit_i64<E>(self, count: i64) -> Result<Count, E> {
                // Below zero nothing was counted; what we count ourselves is nearer the truth.
                Ok(Count(u64::try_from(count).ok().map(|count| count.min(TOKENS_MAX))))
            }

            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a conversion that saturates is what is meant"
            )]
            fn visit_f64<E>(self, count: f64) -> Result<Count, E> {
                Ok(Count((count >= 0.0).then_some((count as u64).min(TOKENS_MAX))))
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_str<E>(self, text: &str) -> Result<Count, E> {
                Ok(Count(text.parse().ok().map(|count: u64| count.min(TOKENS_MAX))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

/// The `usage` object, with the names that various upstreams use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    // The second names are those of OpenAI's Responses.
    #[serde(alias = "input_tokens")]
    prompt_tokens: Count,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    total_tokens: Count,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<CompletionDetails>,
    /// Moonshot.
    cached_tokens: Count,
    /// DeepSeek.
    prompt_cache_hit_tokens: Count,
    /// Perplexity.
    reasoning_tokens: Count,
    num_search_queries: Count,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "they are named as on the wire")]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    cache_creation_tokens: Count,
    audio_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
}

impl WireUsage {
    /// What went in, where nothing but that is counted.
    pub(crate) fn input_total(&self) -> Option<u64> {
        self.prompt_tokens.or(self.total_tokens).known()
    }

    /// Nothing when the upstream counted nothing.
    pub(crate) fn disjoint(&self) -> Option<Usage> {
        let mut prompt = self.prompt_tokens.0?;
        let input = self.prompt_tokens_details.unwrap_or_default();
        let output = self.completion_tokens_details.unwrap_or_default();
        let reported = self.completion_tokens.0?;
        let reasoning = output.reasoning_tokens.or(self.reasoning_tokens);
        let mut completion = reported;
        // Some upstreams (xAI) leave reasoning out of the completion and put it into the total.
        if let (Some(hidden), Some(total)) = (reasoning.0, self.total_tokens.0)
            && hidden > 0
            && total == prompt.saturating_add(reported).saturating_add(hidden)
        {
            completion = reported.saturating_add(hidden);
        }
        let cached = input.cached_tokens.or(self.prompt_cache_hit_tokens).or(self.cached_tokens);
        let cache_read = cached.take_from(&mut prompt);
        let written = input.cache_write_tokens.or(input.cache_creation_tokens);
        let cache_write_5m = written.take_from(&mut prompt);
        let audio_input = input.audio_tokens.take_from(&mut prompt);
        let reasoning = reasoning.take_from(&mut completion);
        let audio_output = output.audio_tokens.take_from(&mut completion);
        Some(Usage {
            prompt,
            cache_read,
            cache_write_5m,
            audio_input,
            completion,
            reasoning,
            audio_output,
            requests: 1,
            web_searches: self.num_search_queries.0.unwrap_or(0).min(1_000),
            ..Usage::default()
        })
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
    fn buckets_do_not_overlap() {
        check(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":10,"cache_write_tokens":5},
                "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":null}}"#,
            Some(Usage {
                prompt: 25,
                cache_read: 60,
                cache_write_5m: 5,
                audio_input: 10,
                completion: 30,
                reasoning: 20,
                requests: 1,
                ..Usage::default()
            }),
        );
    }

    #[test]
    fn reasoning_outside_the_completion_is_counted_once() {
        let expected =
            Usage { prompt: 10, completion: 5, reasoning: 20, requests: 1, ..Usage::default() };
        check(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,
                "completion_tokens_details":{"reasoning_tokens":20}}"#,
            Some(expected),
        );
        check(
            r#"{"prompt_tokens":10,"completion_tokens":25,"total_tokens":35,
                "completion_tokens_details":{"reasoning_tokens":20}}"#,
            Some(expected),
        );
    }

    #[test]
    fn nonsense_is_clamped() {
        check(
            r#"{"prompt_tokens":3,"completion_tokens":18446744073709551615,
                "prompt_tokens_details":{"cached_tokens":7},"completion_tokens_details":null}"#,
            Some(Usage { cache_read: 3, completion: TOKENS_MAX, requests: 1, ..Usage::default() }),
        );
        // What counts below zero counts nothing: we count ourselves.
        check(r#"{"prompt_tokens":-3,"completion_tokens":4}"#, None);
        check(r#"{"prompt_tokens":3,"completion_tokens":-4}"#, None);
        check(
            r#"{"prompt_tokens":2.0,"completion_tokens":"3"}"#,
            Some(Usage { prompt: 2, completion: 3, requests: 1, ..Usage::default() }),
        );
        check(r#"{"completion_tokens":4}"#, None);
        check(r#"{"prompt_tokens":{"a":[1]}}"#, None);
    }
}
